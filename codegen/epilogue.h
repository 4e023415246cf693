/* What follows the sum of products: bias, post-ops, the store. */
#ifndef CONVJIT_EPILOGUE_H
#define CONVJIT_EPILOGUE_H

#include "em.h"

/* The operand pointers, loaded once. Make it in front of the loops. */
struct epilogue {
    const struct conv *conv;
    bool lanes_are_columns; /* else channels */
    em_ptr dst, bias, operand[2 * CJ_MAX_POST];
};
struct epilogue epilogue_open(struct em *em, const struct plan *plan);

/* The output channels of a vector: `lanes` of them, `step` apart; where lanes are columns, just the first. */
struct output_channels {
    em_int first;
    int64_t step;
    int lanes;
};

/* What post-ops need of those channels. Load it once for all pixels of a tile. */
struct channel_operands {
    em_vec bias, first[CJ_MAX_POST], second[CJ_MAX_POST];
};
struct channel_operands epilogue_channels(struct em *em, const struct epilogue *epilogue,
                                          const struct output_channels *channels);

/* Finish one vector: `offset` is the element offset of its first lane in the output, lanes are `stride` apart,
 * `lanes` of them exist. */
struct output_vector {
    em_int offset;
    int64_t stride;
    int lanes;
};
void epilogue_store(struct em *em, const struct epilogue *epilogue, const struct channel_operands *operands,
                    const struct output_vector *at, em_vec sum);

#endif
