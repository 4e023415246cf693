/* Integer arithmetic that says when it overflows, and the roundings that planning needs. */
#ifndef CONVJIT_ARITH_H
#define CONVJIT_ARITH_H

#include <stdbool.h>
#include <stdint.h>

/* False, with *result unspecified, where the exact result does not fit. */
static inline bool add_fits(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}
static inline bool mul_fits(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t clamp64(int64_t x, int64_t lo, int64_t hi)
{
    return min64(max64(x, lo), hi);
}

/* Rounded towards minus and plus infinity, for any a and positive b. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b > 0);
}
static inline int64_t round_up(int64_t a, int64_t b)
{
    return ceil_div(a, b) * b;
}

/* The remainder of floor_div: always in [0, b). */
static inline int64_t floor_mod(int64_t a, int64_t b)
{
    return a - floor_div(a, b) * b;
}

static inline int64_t gcd64(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
