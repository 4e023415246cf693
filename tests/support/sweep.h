/* Each algorithm and instruction set for one convolution after the other, with one oracle's answer for all. */
#ifndef CONVJIT_SWEEP_H
#define CONVJIT_SWEEP_H

#include "check.h"

/* The instruction sets of a case: one after the other by turns, or each. */
enum sweep_isas { SWEEP_BY_TURNS, SWEEP_EACH };

struct sweep {
    cj_context *context;
    const char *name;
    enum sweep_isas isas;
    double weight_scale; /* weights are between minus this and this; 0 means 1 */
    int cases, kernels, wrong;
};

/* An operator as people name it. */
struct sweep_op {
    const char *name;
    cj_op op;
    bool depthwise;
};
enum { SWEEP_OPS = 5 };
extern const struct sweep_op sweep_ops[SWEEP_OPS];

struct sweep sweep_open(const char *name);

/* Check a convolution: every algorithm that takes it and the planner's choice, in buffers guarded on each side.
 * Batches take turns too. A descriptor whose output would be empty must be refused, and is left out else. */
void sweep_case(struct sweep *sweep, const cj_conv_desc *desc);

/* Prints how many kernels ran. How many cases went wrong, or 1 if there were none at all. */
int sweep_close(struct sweep *sweep);

#endif
