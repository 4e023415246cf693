/* This run beside an earlier one. */
#ifndef CONVJIT_COMPARE_H
#define CONVJIT_COMPARE_H

#include "past.h"
#include "report.h"

/* Write what was lost, gained, and measured in one of both only; `path` names the earlier run. Returns how many
 * layers lost more than 5 of a hundred parts of the peak, -1 without memory. */
int compare_report(FILE *out, const struct past *past, const char *path, const struct result *results,
                   int count);

#endif
