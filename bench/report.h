/* What was measured, for people and for programs. */
#ifndef CONVJIT_REPORT_H
#define CONVJIT_REPORT_H

#include "layer.h"
#include "peak.h"

#include <stdio.h>

/* GB/s that one core reads of data that lies in L1, L2, L3 and memory. */
enum { MEMORY_LEVELS = 4 };

struct bench_machine {
    cj_machine facts;
    struct peak peak;
    double bandwidth[MEMORY_LEVELS];
};

/* One row of a report. */
struct result {
    const struct layer *layer;
    int threads;
    char algorithm[32];
    double least, median; /* seconds */
    double gflops, percent_of_peak;
    double percent_of_bound; /* of what the tighter one of peak and bandwidth allows */
};

struct result result_of_layer(struct layer *layer, int threads, const struct bench_machine *machine);

/* Measure the bandwidth of each level once. */
void measure_bandwidth(struct bench_machine *machine);

void report_machine(const struct bench_machine *machine);
void report_head(void);
void report_row(const struct result *result);
void report_summary(const struct result *results, int count);

/* Pieces of that: a text in quotes; "{" and the field `machine`. */
void report_string(FILE *out, const char *text);
void report_machine_json(FILE *out, const struct bench_machine *machine);

void report_json(FILE *out, const struct bench_machine *machine, const struct result *results, int count);

#endif
