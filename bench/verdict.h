/* What an explanation estimates, measured. */
#ifndef CONVJIT_VERDICT_H
#define CONVJIT_VERDICT_H

#include <convjit/convjit.h>

#include <stdbool.h>

/* Print what cj_explain says of a convolution with, behind each estimate, what the algorithm's plan takes for
 * one of `batch` images on the calling thread: the least of some tenths of a second, weights packed. What is
 * estimated to take over VERDICT_HOPELESS times the least estimate is not measured. The exit status. */
enum { VERDICT_HOPELESS = 50 };
int verdict_print(cj_context *context, const cj_conv_desc *desc, int64_t batch, const char *text);

#endif
