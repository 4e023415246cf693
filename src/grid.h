/* How a plan cuts one image into work units and register tiles.
 *
 * A unit is a block of channels of one group, at one depth, some rows, some tiles of columns, of one phase.
 * Units are numbered in a mixed radix, outermost first: phase, group, channel unit, depth, row unit, tile unit;
 * where the channels of a block of pixels share work (winograd, separable_planar), the channel unit comes last
 * instead. Columns are cut into tiles that differ by at most one column (direct, depthwise), so that no tile is
 * too narrow to keep the arithmetic busy, or into equal tiles that reach over the edge (planar, winograd).
 * Phases of a transposed convolution may differ in size; the radix is the largest, and a unit beyond a phase's
 * end is empty. */
#ifndef CONVJIT_GRID_H
#define CONVJIT_GRID_H

#include "plan.h"

#include <stdbool.h>

/* The channels that lanes or rows of a tile run over, and how many make a block. */
struct channel_block {
    int64_t groups;   /* groups that units count; 1 where lanes run across groups */
    int64_t channels; /* in each of them */
    int64_t block;    /* channels of one register tile */
};
struct channel_block grid_channels(const struct plan *plan);

/* Input channels of a group that lie together where the plan reads them: all, or those of a block. */
int64_t grid_channels_together(const struct plan *plan);

/* Whether the first input channel of every unit begins one of the blocks that channels lie in. */
bool grid_units_begin_blocks(const struct plan *plan);

/* Whether a depthwise plan takes the pixels of one block of channels after those of the other, as they lie in
 * the input that it reads in place. */
bool grid_walks_blocks(const struct plan *plan);

/* A number that divides the first channel of every tile of `block` output channels of a group. */
int64_t grid_channel_multiple(const struct plan *plan, int64_t block);

struct grid {
    int64_t phases, groups, channel_units, depth, row_units, tile_units;
    int64_t unit_blocks; /* register blocks of channels in a unit */
    int64_t unit_tiles;  /* tiles of columns in a unit */
};
struct grid grid_of_plan(const struct plan *plan);
int64_t grid_units(const struct grid *grid);

/* The columns of `outs` as tiles: `big` of `size` columns, then `small` of `size - 1`; or, not even, all of
 * `size`, the last one cut off. */
struct tiles {
    int64_t size, big, small;
};
/* The first tiles of a row and the last ones that have taps in the padding along W: those that a plan without a
 * band computes apart, leaving these taps out. None with a band, or where nothing is padded. */
struct edges {
    int64_t first, last;
};
struct edges grid_edges(const struct plan *plan);

/* The same for tiles of rows (stencil): those that are emitted apart, their rows known, because some of their
 * taps along H lie in the padding, or because they are cut off. Where that would be too many versions, or the
 * kernel has too many rows to unroll, the rows around the input stand in the band instead. */
enum { STENCIL_TAPS = 8 };
struct edges grid_row_edges(const struct plan *plan);
bool grid_rows_in_band(const struct plan *plan);

/* Rows of taps in a turn of a stencil: all, or so many that the fewest are left to go one by one. */
int64_t grid_taps_in_turn(const struct conv *conv);

/* Whether a stencil takes its input row by row, the weights of a turn in registers; else tap by tap, with the
 * rows that the next tap needs again in registers: these are fewer where the kernel has many rows. */
bool grid_keeps_weights(const struct plan *plan);

/* Whether the last tile of a row (stencil) stores its columns under a mask, and all tiles share one code; masks
 * compare columns as 32 bits. */
bool grid_masks_columns(const struct plan *plan);

/* Whether a stencil can read its input in place: columns lie side by side, those outside can be masked, and
 * rows outside are left out of the sum. */
bool grid_stencil_in_place(const struct plan *plan);

/* Whether channels lie side by side, zeros around them, and either no taps fall in these along W, or few edges
 * have all taps unrolled, so that the taps outside are known at emission. */
bool grid_knows_edges(const struct plan *plan);

/* Padding along W is zeros in memory; leaving taps out pays only where all columns of a tile can fall outside,
 * and is done then. */
bool grid_tiles_fall_outside(const struct plan *plan);

/* Whether a depthwise plan can read its input in place: its edges are known, and units are whole rows. */
bool grid_can_drop_band(const struct plan *plan);

/* Whether depthwise computes the channels behind the last whole block by the code of whole blocks, under a
 * mask: what would be a second version of everything. */
bool grid_masks_channels(const struct plan *plan);

/* Whether a depthwise tile is two output rows, which share their input but one row of each: three rows of taps
 * at most, as each version of the micro-kernel holds them four times, and a vector of channels, so that the
 * sums of both leave registers for pixels. */
bool grid_rows_pair(const struct plan *plan);

struct tiles tiles_even(int64_t outs, int64_t most);
struct tiles grid_tiles(const struct plan *plan, const struct phase *phase);

/* Outputs along an axis of one of its phases, in the order in which tiles take them. Winograd's tiles take
 * every `dilation`-th output: along a dilated axis those of one residue come before the next, rounded up to
 * whole tiles for each. */
int64_t grid_outs(const struct plan *plan, int axis, const struct phase_axis *phase);

/* The input that a unit reads, at most over all phases, with its step between stored planes, rows, columns:
 * where a unit covers one output only, or the kernel has one row, just the rows under taps are stored. */
struct window {
    int64_t count[AXES], step[AXES];
};
struct window grid_window(const struct plan *plan);

/* Whether units of several rows leave out the input's rows between those under the kernel's one row. */
bool grid_picks_rows(const struct plan *plan);

/* The padded copy of a unit's window in scratch. Channels are innermost where lanes are channels; else columns
 * are, and those that a stride of `split` visits together lie together, `split_stride` apart. */
struct band {
    int64_t channels;            /* room for so many */
    int64_t channel, axis[AXES]; /* elements from one to the next */
    int64_t split, split_stride;
    int64_t elements; /* in all */
};
struct band grid_band(const struct plan *plan);

/* Whether units that differ in their channels alone follow each other, so that the band which one of them has
 * filled serves the next; and how often the band is filled for an image, at least. */
bool grid_keeps_band(const struct plan *plan);
int64_t grid_bands(const struct plan *plan);

/* Whether `rows` pixels that lie `elements` apart crowd into so few sets of the L1 cache that walking their
 * channels side by side evicts them. Every x86-64 core's L1 has ways of 4 KB (page offset bits index it) in
 * lines of 64 bytes; 8 ways is the fewest since 2008, and half of them are left to the weights. */
enum { L1_WAY_BYTES = 4096, L1_LINE_BYTES = 64, L1_WAYS = 8 };
bool grid_pixels_alias(const struct conv *conv, int64_t elements, int64_t rows);

/* The most columns of a tile. */
int64_t grid_tile_cols(const struct plan *plan);

/* Whether all tiles have as many, the last one reaching over the edge of the output; else see tiles_even. */
bool grid_tiles_are_equal(const struct plan *plan);

/* Whether the band's rows are all read, those in the padding and those that only overhanging outputs need too,
 * which therefore must hold zeros; else the sum leaves them out. */
bool grid_fills_padded_rows(const struct plan *plan);

/* Whether lanes are columns (planar, stencil) rather than channels, and whether they run across groups
 * (depthwise). */
bool grid_lanes_are_columns(const struct plan *plan);
bool grid_lanes_cross_groups(const struct plan *plan);

/* Whether channel units are numbered innermost. */
bool grid_channels_are_innermost(const struct plan *plan);

/* Whether some tap of some output of the axis falls outside the input, in any phase. */
bool conv_axis_padded(const struct conv *conv, int axis);

/* The most outputs and taps that any phase has along an axis. */
int64_t conv_most_outs(const struct conv *conv, int axis);
int64_t conv_most_taps(const struct conv *conv, int axis);

#endif
