/* A block is a power of two, so its number and the place in it are a shift and a mask. */
#include "channels.h"

em_int channel_offset(struct em *em, const struct strides *strides, em_int channel)
{
    if (!strides->block)
        return em_mulc(em, channel, strides->c);
    em_int block = em_div(em, channel, em_i(em, strides->block));
    return em_add(em, em_mulc(em, block, strides->block_step), em_rem(em, channel, em_i(em, strides->block)));
}
