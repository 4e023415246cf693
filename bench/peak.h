/* What this machine can do at most, measured: multiply-adds and memory reads of one core. */
#ifndef CONVJIT_PEAK_H
#define CONVJIT_PEAK_H

#include <convjit/convjit.h>

/* The best seen so far. A machine's clock drifts, so a benchmark measures again throughout its run. */
struct peak {
    double gflops[2]; /* by cj_dtype: multiplications and additions, 1e9 in a second */
};

/* Measure for some 2 ms and keep what is better. Uses the widest of AVX-512, AVX2 with FMA and SSE2 that the
 * CPU has, whatever cap is set for convjit. */
void peak_measure(struct peak *peak);

/* GB/s that one core reads from a piece of memory of that size; 0 without memory for it. */
double peak_read_bandwidth(int64_t bytes);

#endif
