/* What holds for every convolution, tried on random ones. */
#ifndef CONVJIT_PROPERTY_H
#define CONVJIT_PROPERTY_H

#include "sweep.h"

/* Whether it holds for a random convolution of an operator. Complains if not. */
typedef bool property(cj_context *context, const struct sweep_op *op, unsigned seed);

/* Try the operators [first, last] of `sweep_ops`, 60 convolutions of each. How many times it does not hold. */
int property_try(property *holds, int first, int last);

/* A random correct convolution. */
cj_conv_desc property_desc(const struct sweep_op *op, unsigned *state);

/* A random strict one with nothing behind the sum. `zeros`: with explicit padding of zeros only. */
cj_conv_desc property_linear(const struct sweep_op *op, bool zeros, unsigned *state);

/* Tensors of small whole numbers: their sums are exact. */
struct problem property_problem(const cj_conv_desc *desc, int64_t batch, unsigned seed);

#endif
