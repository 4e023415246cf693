/* Numbers that are the same everywhere, and random convolutions made of them. */
#ifndef CONVJIT_RANDOM_H
#define CONVJIT_RANDOM_H

#include <convjit/convjit.h>

#include <stdbool.h>

unsigned random_next(unsigned *state);
int64_t random_pick(unsigned *state, const int64_t *values, int count);

/* A descriptor that is not always valid: cj_output_size says. It leaves algorithm, isa and accuracy alone. */
cj_conv_desc random_desc(cj_op op, bool depthwise, unsigned *state);

#endif
