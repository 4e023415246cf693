/* The loop over work units, and what a unit knows of itself: the words between em and the algorithms. */
#ifndef CONVJIT_WALK_H
#define CONVJIT_WALK_H

#include "../src/grid.h"
#include "em.h"

/* What differs between phases; constants where it does not. */
struct phase_view {
    em_int outs, out0, off0, taps;
};

/* One work unit of one image, in generated code. Ranges are half open and within the phase's sizes. */
struct unit {
    const struct plan *plan;
    struct grid grid;
    em_int image, group, depth;
    em_int images;      /* that the unit covers, from `image` on: 1, or as many as emit_units_of_images found */
    em_int phase[AXES]; /* of each axis */
    em_int block0, block1; /* register blocks of channels */
    em_cond finds_band;    /* where grid_keeps_band: the unit before, of the same call, has filled it */
    em_int row0, row1;
    em_int tile0, tile1;
    em_int tiles_big, tiles_small_cols; /* of the phase: how many tiles are wide, columns of the others */
    struct phase_view axis[AXES];
};

/* Take the unit number of the batch apart. */
struct unit unit_open(struct em *em, const struct plan *plan, em_int number);

/* Where channel units are innermost: the units of a block of pixels are its parts, which share what is computed
 * for it. The blocks, counted through the batch, that the call's units belong to, and the parts of one of them
 * that are the call's. */
struct part_range {
    em_int begin, end;
};
int64_t plan_parts(const struct plan *plan);
struct part_range blocks_of_call(struct em *em, const struct plan *plan);
struct part_range parts_of_block(struct em *em, const struct plan *plan, em_int block);

/* Let another plan for the same outputs compute the unit: all blocks of channels, and, where units are whole
 * rows, tiles of its own. */
void unit_adopt(struct em *em, struct unit *unit, const struct plan *plan);

/* The first column of a tile (which may be the one behind the last). */
em_int unit_tile_col(struct em *em, const struct unit *unit, em_int tile);

/* Every width that tiles have in any phase, widest first, and the tiles of the unit that have it. */
enum { MAX_WIDTHS = 8 };
struct tile_widths {
    int count;
    int64_t width[MAX_WIDTHS];
};
void widths_add(struct tile_widths *widths, int64_t width); /* once each; 0 is none */
struct tile_widths plan_tile_widths(const struct plan *plan);
struct tile_range {
    em_int begin, end;
} unit_tiles_of_width(struct em *em, const struct unit *unit, int64_t width);

/* The taps of an axis that fall inside the input for outputs first..last of the phase; all of them where the
 * input is padded in memory or no tap can fall outside. */
struct tap_range {
    em_int begin, end;
};
struct tap_range unit_taps(struct em *em, const struct unit *unit, int axis, em_int first, em_int last);

/* Where the input is read: in place, or from the band that this fills. `base` is output (depth, row0, first
 * column of tile0), tap 0, the unit's first input channel. */
struct source {
    em_ptr base;
    int64_t out[AXES], tap[AXES]; /* elements from one output, one tap to the next */
    int64_t channel;
    int64_t block, block_step;             /* see struct strides; the unit's first channel begins a block */
    int64_t split, split_stride, off_step; /* see struct band; tap[AXIS_W] holds where split is 1 */
};
struct source unit_source(struct em *em, const struct unit *unit);

/* Elements from the unit's first input channel to channel number `channel` of it. */
em_int source_channel(struct em *em, const struct source *source, em_int channel);

/* Elements from tap 0 to tap `tap` of axis W. */
em_int source_col_tap(struct em *em, const struct source *source, em_int tap);

/* Element offset of an output pixel in the output, without its channel. */
em_int unit_pixel(struct em *em, const struct unit *unit, em_int row, em_int col);

/* Elements from the start of the packed weights to the unit's phase and group. */
em_int unit_weights(struct em *em, const struct unit *unit);

#endif
