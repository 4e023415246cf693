/* The one-dimensional transforms of Winograd's filters, on vectors. */
#ifndef CONVJIT_TRANSFORM_H
#define CONVJIT_TRANSFORM_H

#include "../src/winograd.h"
#include "em.h"

/* Where the vectors of a transform lie: number i at `at` + i * `step`. */
struct line {
    em_ptr at;
    em_int step;
};

/* to = B^T from: w->alpha vectors from as many. to = A^T from: w->outs vectors from w->alpha. All are loaded
 * before the first is stored. */
void transform_input(struct em *em, const struct winograd *w, struct line to, struct line from);
void transform_output(struct em *em, const struct winograd *w, struct line to, struct line from);

#endif
