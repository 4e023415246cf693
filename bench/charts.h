/* The two charts of a plot, and what they share. */
#ifndef CONVJIT_CHARTS_H
#define CONVJIT_CHARTS_H

#include "report.h"
#include "svg.h"

#include <stdbool.h>

enum { SERIES = 8 };

/* Algorithms by colour; all that come after the seventh share the last one. */
struct series {
    const char *names[SERIES];
    int count;
};

struct chart {
    FILE *out;
    const struct bench_machine *machine;
    const struct result *results;
    int count;
    struct series series;
    struct box frame; /* the chart's place, axes excluded */
};

int series_of(const struct series *series, const char *algorithm);

/* A layer's name and numbers, as the tooltip of the element that is open. */
void chart_tooltip(const struct chart *chart, const struct result *result);

/* Percent of their own peak that the best other libraries reached; 0: unknown, or of other threads or another
 * type. In the result's layout, and in any. */
double peer_percent(const struct result *result);
double peer_best_percent(const struct result *result);

int roofline_draw(const struct chart *chart); /* EXIT_MACHINE without memory */

void bars_draw(const struct chart *chart);
double bars_height(int count); /* of the chart's frame */

#endif
