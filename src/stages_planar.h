/* A separable convolution as two plans with columns in the lanes. A unit is some whole rows of the output: the
 * stencil computes them channel by channel into a block of scratch, [mid channel][row][column], and planar
 * takes the rows of that block, which lie one behind the other there and in the output, as a single long one.
 */
#ifndef CONVJIT_STAGES_PLANAR_H
#define CONVJIT_STAGES_PLANAR_H

#include "plan.h"

/* The depthwise stage. Its `dst` strides are those of the block, in which the image and plane have no place. */
struct plan planar_stage_depthwise(const struct plan *separable);

/* The pointwise stage: its rows are the units of a plane. Its `src` strides are those of the block. */
struct plan planar_stage_pointwise(const struct plan *separable);

/* Bytes of scratch in front of the block, for the depthwise stage's band; and of the block. */
int64_t planar_block_offset(const struct plan *separable);
int64_t planar_block_bytes(const struct plan *separable);

#endif
