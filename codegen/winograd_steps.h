/* What the steps of `winograd` share: codegen/algo/winograd.c says what they are. */
#ifndef CONVJIT_WINOGRAD_STEPS_H
#define CONVJIT_WINOGRAD_STEPS_H

#include "../src/winograd.h"
#include "stage.h"

/* The blocks of scratch and what a plan says of them. */
struct winograd_frame {
    const struct plan *plan;
    const struct epilogue *epilogue;
    struct winograd h, w;
    struct winograd_axis axis[AXES];
    struct winograd_scratch scratch;
    struct winograd_weights weights;
    em_ptr v, m, y;
    em_ptr half;         /* a tile transformed along H alone, vectors [point of h][column] */
    em_ptr window, zero; /* the window of a tile at the edge, vectors [row][column]; a vector of zeros */
};

/* One unit of one image. */
struct winograd_unit {
    const struct winograd_frame *frame;
    const struct unit *unit;
    const struct source *source;
    em_int rows, cols;       /* tiles */
    em_int first;            /* number of its first tile in V and M */
    struct tap_range planes; /* those inside the input */
};

/* Number of the tile in row i, column j. */
em_int winograd_tile(struct em *em, const struct winograd_unit *u, em_int i, em_int j);

/* An axis of the output as tiles take it: every `step`-th output, residue by residue, `tiles` tiles for each.
 */
struct tiling {
    int64_t step, tiles, outs; /* outs: of a tile */
};
struct tiling winograd_tiling(const struct winograd_unit *u, int axis);

/* The first output of tile number `tile` of the axis. */
em_int tiling_first(struct em *em, const struct tiling *t, em_int tile);

/* V of the unit's tiles, from its input. */
void winograd_windows(struct em *em, const struct winograd_unit *u);

/* The unit's outputs, from M. */
void winograd_results(struct em *em, const struct winograd_unit *u);

#endif
