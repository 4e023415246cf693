/* Numbers that are the same everywhere, and random convolutions made of them. */
#ifndef CONVJIT_RANDOM_H
#define CONVJIT_RANDOM_H

#include <convjit/convjit.h>

#include <stdbool.h>

unsigned random_next(unsigned *state);
int64_t random_pick(unsigned *state, const int64_t *values, int count);

/* One of the numbers that follow. */
#define RANDOM_PICK(state, ...) \
    random_pick(state, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / 8))

/* The most channels (about; of groups and multipliers together, a few times as many), elements of a row, and of
 * the other dimensions. Volumes have shorter rows. */
struct random_sizes {
    int64_t channels, row, column;
};

/* A descriptor of every rank, layout, padding, type, post-op that is not always valid: cj_output_size says. It
 * leaves algorithm, isa and accuracy alone. The same state gives the same descriptor everywhere. */
cj_conv_desc random_desc(cj_op op, bool depthwise, const struct random_sizes *sizes, unsigned *state);

#endif
