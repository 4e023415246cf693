/* A convolution with its tensors: exact values in double precision, dense in PyTorch's order ([n, c,
 * spatial...]), and one way to have a kernel compute it in guarded memory, in the descriptor's layouts. */
#ifndef CONVJIT_PROBLEM_H
#define CONVJIT_PROBLEM_H

#include "guard.h"

#include <convjit/convjit.h>

enum operand { INPUT, WEIGHT, POINTWISE, BIAS, RESIDUAL, SCALE, SHIFT, OUTPUT, OPERANDS };

struct problem {
    const cj_conv_desc *desc;
    int64_t batch, out[3];
    int64_t count[OPERANDS];
    double *value[OPERANDS];
};

/* Values between -1 and 1 that every dtype holds exactly; `seed` decides them. Where the input is broadcast,
 * elements that are one in memory are equal. */
struct problem problem_new(const cj_conv_desc *desc, int64_t batch, unsigned seed);
void problem_free(struct problem *p);

/* Whole numbers from -range to below range instead: as long as no sum leaves 2^24, plain sums of products are
 * exact in any order. */
void problem_make_whole(struct problem *p, int range, unsigned seed);

/* Images [first, first + count) of a problem, whose values it shares: not to be freed. */
struct problem problem_images(const struct problem *p, int64_t first, int64_t count);

/* The definition's result, and for each element the sum of the magnitudes of all that was added. */
void problem_oracle(const struct problem *p, double *want, double *bound);

/* How to run. */
struct manner {
    enum guard_side side;        /* where the buffers are guarded */
    unsigned char fill;          /* what every byte of output and scratch is beforehand */
    const cj_parallel *parallel; /* as for cj_run */
};

/* Pack, run, and read the output into value[OUTPUT]. Only what the descriptor asks for is given, inputs are
 * read-only. NULL, or a sentence about what went wrong: a status, or a write where none should be. */
const char *problem_run(struct problem *p, const cj_kernel *kernel, const struct manner *manner);

/* A SHAPE that reproduces a problem. Strides, which no SHAPE can say, follow in brackets. */
void problem_shape(const cj_conv_desc *desc, int64_t batch, char *text, size_t size);

#endif
