/* What follows the sum of products: bias, post-ops, the store. */
#ifndef CONVJIT_EPILOGUE_H
#define CONVJIT_EPILOGUE_H

#include "tile.h"

/* The operand pointers, loaded once. Make it in front of the loops. */
struct epilogue {
    const struct conv *conv;
    em_ptr dst, bias, operand[2 * CJ_MAX_POST];
};
struct epilogue epilogue_open(struct em *em, const struct plan *plan);

/* The outputs of a register tile. Lane i counts through all vectors of a row. Either rows or lanes are
 * channels: the step of the others is 0. Lanes may be the channels of one pixel behind those of another, which
 * lie so in the output, too: then their channels repeat after lane_cycle lanes, at most a vector's. */
struct output_tile {
    em_int pixel; /* elements from the start of the output to channel 0 of the pixel of (row 0, lane 0) */
    int64_t row_step, lane_step; /* of channels: within a block */
    em_int channel;              /* of (row 0, lane 0) */
    int64_t multiple; /* where rows or lanes are channels: a number that divides it; where it is one of lanes of
                       * a vector, lanes that do not exist are behind the output's last channel */
    int64_t row_channel, lane_channel;
    int lane_cycle; /* 0: channels do not repeat; else lane_step and lane_channel are 1, and there is one row */
    int lanes_of_last; /* lanes of the last vector that exist */
    em_mask *inside;   /* those of each vector, where that is known only in the generated code; else NULL */
};

/* Finish and store all sums of a tile. */
void epilogue_tile(struct em *em, const struct epilogue *epilogue, const struct tile *sums,
                   const struct output_tile *out);

#endif
