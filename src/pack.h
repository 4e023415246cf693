/* Plain weights, as users hand them over, in the order of PyTorch. */
#ifndef CONVJIT_PACK_H
#define CONVJIT_PACK_H

#include "plan.h"

/* Elements from one coordinate to the next, how far each goes, bytes of an element; the phase whose taps are
 * meant, which the caller sets. */
struct plain {
    int64_t step[PACK_COORDINATES], limit[PACK_COORDINATES];
    struct phase phase;
    int element;
};

/* [oc, ic/groups, d, h, w], transposed [ic, oc/groups, d, h, w]; groups are the outer part of the first. */
struct plain pack_plain(const struct conv *conv);

#endif
