/* A separable convolution as two plans, for the two passes over each of its units. */
#ifndef CONVJIT_STAGES_H
#define CONVJIT_STAGES_H

#include "plan.h"

/* The depthwise stage writes [row of the unit][column of the unit][mid channel] into scratch. Its `dst` strides
 * are those of that block. */
struct plan stage_depthwise(const struct plan *separable);

/* The pointwise stage reads that block and writes the output. */
struct plan stage_pointwise(const struct plan *separable);

/* Bytes of scratch in front of the block, for the depthwise stage's band; and of the block. */
int64_t stage_block_offset(const struct plan *separable);
int64_t stage_block_bytes(const struct plan *separable);

#endif
