/* The results of an earlier run, from the file that `bench --json` wrote. */
#ifndef CONVJIT_PAST_H
#define CONVJIT_PAST_H

#include <convjit/convjit.h>

struct past_result {
    char name[256];
    char shape[512]; /* as cj_desc_print writes it now, layout and dtype put in */
    cj_layout layout;
    cj_dtype dtype;
    int threads;
    double percent_of_peak;
};

/* `at` is owned. */
struct past {
    char cpu[64];
    double peak_gflops; /* f32, of one core */
    struct past_result *at;
    int count;
};

/* Complains with the file, the field and its value. After a failure too, past_free. */
int past_read(struct past *past, const char *path);
void past_free(struct past *past);

#endif
