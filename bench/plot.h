/* `bench --plot`: a roofline of all layers and, under it, a bar for each. */
#ifndef CONVJIT_PLOT_H
#define CONVJIT_PLOT_H

#include "report.h"

/* Write an SVG image. EXIT_MACHINE without memory. */
int plot_write(FILE *out, const struct bench_machine *machine, const struct result *results, int count);

#endif
