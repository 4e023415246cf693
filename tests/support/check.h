/* One case: random tensors in guarded buffers, the kernel, the oracle, the comparison. */
#ifndef CONVJIT_CHECK_H
#define CONVJIT_CHECK_H

#include <convjit/convjit.h>

enum check_result { CHECK_SAME, CHECK_DIFFERENT, CHECK_DECLINED };

/* Run a convolution and compare each output with the oracle. Prints, on a difference, the SHAPE that reproduces
 * it, the first wrong element and both values. CHECK_DECLINED: the algorithm or instruction set asked for
 * cannot. `seed` decides the values and on which side the buffers are guarded. */
enum check_result check_case(cj_context *context, const cj_conv_desc *desc, int64_t batch, unsigned seed);

/* The same for a SHAPE string; an error in the string is a difference. */
enum check_result check_shape(cj_context *context, const char *shape, unsigned seed);

/* A small generator of the same numbers everywhere. */
unsigned check_random(unsigned *state);
int64_t check_pick(unsigned *state, const int64_t *values, int count);

#endif
