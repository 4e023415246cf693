/* Activations as files hold them, [n, c, spatial...], and in blocks of channels, as kernels take them. */
#ifndef CONVJIT_BLOCKS_H
#define CONVJIT_BLOCKS_H

#include <convjit/convjit.h>

struct blocks {
    int64_t images, channels, pixels, block;
    cj_dtype dtype;
};

/* Put `plain` into blocks; what pads the last block becomes zero. */
void blocks_fill(const struct blocks *blocks, const void *plain, void *blocked);

/* The other way. */
void blocks_empty(const struct blocks *blocks, const void *blocked, void *plain);

#endif
