/* What was measured, as a picture. */
#ifndef CONVJIT_PLOT_H
#define CONVJIT_PLOT_H

#include "report.h"

/* One SVG, complete in itself: a roofline of all layers under the peak and the bandwidths that were measured
 * beside them, and a bar for each layer's share of the peak. Where `peers_peak` is not 0, a tick for each layer
 * whose table has another library's time, as a share of that peak in GFLOP/s. */
void plot_svg(FILE *out, const struct bench_machine *machine, const struct result *results, int count,
              double peers_peak);

/* The place of a value between two places, by logarithms. */
struct scale {
    double low, high, from, to;
};
double scale_at(const struct scale *scale, double value);

/* Labels that cover neither each other nor a dot, which counts as one: whether one of such a width fits at (x,
 * y), and if so it stays. */
enum { MOST_LABELS = 256 };
struct labels {
    int count;
    struct {
        double x, y, width;
    } at[MOST_LABELS];
};
bool labels_place(struct labels *labels, double x, double y, double width);

#endif
