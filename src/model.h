/* What machines cost, in cycles of one core: the facts that estimates are made of. */
#ifndef CONVJIT_MODEL_H
#define CONVJIT_MODEL_H

#include "plan.h"

#include <stdbool.h>

/* The clock that turns cycles into seconds. Only ratios of estimates decide anything. */
#define MODEL_HERTZ 3.5e9

/* One step of a reduction in a register tile of rows x vecs: `loads` loads beside rows*vecs multiply-adds. */
double model_step(const struct target *target, double rows, double vecs, double loads);

/* Copying elements into a band: by vectors where both sides are contiguous, else one by one. */
double model_copy(const struct plan *plan, double elements, bool contiguous);

/* Storing one vector of `lanes` elements that lie `stride` apart. */
double model_store(double lanes, int64_t stride);

/* Registers left for accumulators beside `vecs` loaded vectors. */
int64_t model_tile_rows(const struct target *target, int64_t vecs);

/* Steps of a reduction in one turn of its loop, for a tile of `sums` accumulators. */
int64_t model_unroll(int64_t sums);

/* The smallest power of two of lanes that holds `channels`, at most the target's and at least 2. */
int64_t model_lanes(const struct target *target, cj_dtype dtype, int64_t channels);

#endif
