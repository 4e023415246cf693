/* A function of one vector against its exact values, over numbers of every size. */
#ifndef CONVJIT_TEST_CURVE_H
#define CONVJIT_TEST_CURVE_H

#include "trials.h"

/* Errors may be `relative` times the exact value plus `absolute` plus `per_operand` times the operand, for f32
 * and f64 each. No result may lie outside [low, high]. */
struct curve {
    const char *name;
    em_vec (*emit)(struct em *em, em_vec x, const void *arg);
    const void *arg;
    long double (*exact)(long double x);
    double relative[2], absolute[2], per_operand[2];
    double low, high;
};

/* Sweep it: for each instruction set and type, whole vectors and single lanes. Results for what is not a number
 * are not numbers, exact ones that are infinite are infinite. How many targets went wrong; it says where. */
int curve_sweep(const struct curve *curve);

/* The results for a few numbers, for any target. */
void curve_values(const struct words *target, const struct curve *curve, const double *x, double *y, int count);

#endif
