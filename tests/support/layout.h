/* Where the elements of a tensor are. */
#ifndef CONVJIT_LAYOUT_H
#define CONVJIT_LAYOUT_H

#include <convjit/convjit.h>

/* Sizes and strides of [n, c, spatial...]; unused dimensions have size 1. With `block` not 0, channel c is
 * element c % block of block c / block; blocks are block_stride apart and the last one is filled up. */
struct layout {
    int64_t size[5], stride[5];
    int64_t block, block_stride;
};

struct layout layout_input(const cj_conv_desc *desc, int64_t batch);
struct layout layout_output(const cj_conv_desc *desc, int64_t batch);

/* `count` elements, one behind the other. */
struct layout layout_flat(int64_t count);

int64_t layout_count(const struct layout *layout);

/* Elements from the first to behind the last in memory. */
int64_t layout_extent(const struct layout *layout);

/* The place in memory of element `index` in the order [n, c, spatial...]. */
int64_t layout_place(const struct layout *layout, int64_t index);

#endif
