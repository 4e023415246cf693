/* The numbers that tensors are filled with on both sides, and what is compared of the output. */
#ifndef CONVJIT_NUMBERS_H
#define CONVJIT_NUMBERS_H

#include "call.h"

enum { CHECK_SAMPLES = 16, CHECK_TEXT = 512 };
enum value_seed { SEED_INPUT = 1, SEED_WEIGHT = 2 };

/* A few output values from the first to the last, and the mean of the absolute values of all. */
struct check {
    double sample[CHECK_SAMPLES];
    double mean;
};

/* A multiple of 2^-15 from -1 up to 1; indices are those of PyTorch's order, whatever the layout. */
float value_at(int64_t index, enum value_seed seed);

void values_fill_input(const struct call *call, bool channels_last, float *input);
void values_fill_weight(const struct call *call, float *weight); /* in PyTorch's order */

struct check check_of_output(const struct call *call, bool channels_last, const float *output);
void check_write(const struct check *check, char text[CHECK_TEXT]);
bool check_read(const char *text, struct check *check);

/* Roughly: rounding and Winograd's error pass, another convolution does not. */
bool check_agrees(const struct check *got, const struct check *expected);

#endif
