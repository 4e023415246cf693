/* The run of a reduction in which `direct` and `winograd` spend their time: a micro-kernel of matrix products.
 *
 *     sum(row, lanes) += over k of x[row * row_step + k * k_step] * w[k * block + lanes]
 *
 * One step loads the block's vectors of weights, broadcasts a scalar for each row and multiplies each with
 * each. */
#ifndef CONVJIT_PRODUCT_H
#define CONVJIT_PRODUCT_H

#include "tile.h"

struct product {
    const struct plan *plan;
    int64_t row_step, k_step; /* elements of x */
    int64_t block;            /* elements of w for one step; w is aligned for whole vectors */
};

/* Add the products of `count` steps to the tile. */
void product_run(struct em *em, const struct product *product, const struct tile *tile, em_ptr x, em_ptr w,
                 em_int count);

#endif
