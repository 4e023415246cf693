/* Where the elements of a tensor lie. */
#ifndef CONVJIT_STRIDES_H
#define CONVJIT_STRIDES_H

#include "conv.h"

/* One tensor of the descriptor. */
struct tensor {
    const char *strides_name;
    cj_layout layout;
    const int64_t *given;
    int64_t channels, block; /* block: of CJ_NCHWC, settled; else 0 */
    int64_t size[3];
    int64_t reach[3]; /* the input with its padding: offsets are computed for all of it */
    bool may_broadcast;
};

/* CJ_INVALID: strides that were given are wrong. All else has been checked. */
cj_status strides_of_tensor(const struct tensor *tensor, int rank, struct strides *strides);

/* Whether a block size is possible for a layout; 0 asks for the default. */
cj_status strides_check_block(const char *field, cj_layout layout, int64_t block);

#endif
