/* One pass over a unit: what an algorithm needs to compute it, wherever its input, weights and output lie. */
#ifndef CONVJIT_STAGE_H
#define CONVJIT_STAGE_H

#include "epilogue.h"
#include "walk.h"

struct stage {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr weights; /* packed */
};

/* Compute the unit: direct.c, planar.c, depthwise.c, stencil.c, grouped.c. */
void direct_unit(struct em *em, const struct stage *stage);
void planar_unit(struct em *em, const struct stage *stage);
void depthwise_unit(struct em *em, const struct stage *stage);
void stencil_unit(struct em *em, const struct stage *stage);
void grouped_unit(struct em *em, const struct stage *stage);

/* Every unit of the call, one stage each. */
void emit_units(struct em *em, const struct plan *plan,
                void (*compute)(struct em *em, const struct stage *stage));

/* Every unit that an image has, once for all the images of the call that have it: unit->images of them, one
 * behind the other. */
void emit_units_of_images(struct em *em, const struct plan *plan,
                          void (*compute)(struct em *em, const struct stage *stage));

#endif
