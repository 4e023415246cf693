/* What machines cost, in cycles of one core: the facts that estimates are made of. */
#ifndef CONVJIT_MODEL_H
#define CONVJIT_MODEL_H

#include "plan.h"

#include <stdbool.h>

/* The clock that turns cycles into seconds. Only ratios of estimates decide anything. */
#define MODEL_HERTZ 3.5e9

/* One step of a reduction in a register tile of rows x vecs: `loads` loads beside rows*vecs multiply-adds. */
double model_step(const struct target *target, double rows, double vecs, double loads);

/* What a load of a vector counts that begins at any element: some cross a line and take a second access. */
double model_unaligned(const struct plan *plan);
/* What a step with vectors of the plan's lanes takes of one with the widest. */
double model_width(const struct plan *plan, const struct target *target);

/* Whether half as many lanes waste fewer of the last vector's for so many channels, and lose nothing otherwise:
 * where the plan's vectors take two passes. */
bool model_halves(const struct plan *plan, const struct target *target, int64_t channels);

/* Until `bytes` are there that were last used `distance` bytes ago: 0 where L1 still has them. */
double model_fetch(const struct target *target, double bytes, double distance);

/* Bytes of weights between two uses of the same ones, `bytes` being those of a tile: these, or, where an image
 * is one tile, all. */
double model_weight_distance(const struct plan *plan, double bytes);

/* How elements get from a tensor into a band, or from a tile to the output: as they lie, with channels and
 * columns changing places, or each by itself, on few lines of the cache or on one each. */
enum model_move { MOVE_RUNS, MOVE_EXCHANGED, MOVE_NEAR, MOVE_SCATTERED };

/* Which it is where lanes and rows (or columns) lie so far apart in the tensor. */
enum model_move model_move(int64_t lane_step, int64_t row_step);

/* Copying elements into a band. */
double model_copy(const struct plan *plan, double elements, enum model_move how);

/* Storing one vector of the tile. */
double model_store(const struct plan *plan, enum model_move how);

/* Cycles of arithmetic that walks so many bytes once; they come from the cache that holds the `of` bytes that
 * they are a part of, or from memory. */
double model_streamed(const struct target *target, double cycles, double bytes, double of);

/* Cycles of packing the weights into fresh memory. */
double model_pack(const struct plan *plan, const struct target *target);

/* Cycles that are lost by writing and reading a block of so many bytes in scratch, of which L2 holds a part. */
double model_spill(const struct target *target, double bytes);

/* A factor for code of so many versions of the micro-kernel: little, to decide between equals. */
double model_bodies(int64_t bodies);

/* The most rows of a stencil's tile of the plan's vectors, `in_flight` times as many of which are in flight as
 * of the widest; and the columns of the kernel that it unrolls: a divisor, so that no rest is code of its own.
 */
int64_t model_stencil_rows(const struct plan *plan, int64_t in_flight);
int64_t model_stencil_unroll(const struct plan *plan);

/* Output channels for each unit of a plan whose units have all of them: whole blocks of a tile, and so few that
 * there are `enough` units, and that two threads have equal shares or shares that differ by less than 3%. */
int64_t model_unit_channels(const struct plan *plan, int64_t enough);

/* Registers left for accumulators beside `vecs` loaded vectors. */
int64_t model_tile_rows(const struct target *target, int64_t vecs);

/* The most rows, at most `most`, that cut `count` into equal tiles; `most` where that would take less than half
 * of it. */
int64_t model_even_rows(int64_t count, int64_t most);

/* Steps of a reduction in one turn of its loop, for a tile of `sums` accumulators. */
int64_t model_unroll(int64_t sums);

/* Rows of a depthwise tile for `cols` output columns, and taps of a row of its kernel that are unrolled. */
int64_t model_depthwise_rows(cj_isa isa, int64_t vecs, int64_t cols);
int64_t model_depthwise_unroll(cj_isa isa, int64_t taps);

/* The smallest power of two of lanes that holds `channels`, at most the target's and at least 2. */
int64_t model_lanes(const struct target *target, cj_dtype dtype, int64_t channels);

/* The same for lanes that are output channels, at most as many as lie together in a block. */
int64_t model_channel_lanes(const struct target *target, const struct conv *conv, int64_t channels);

#endif
