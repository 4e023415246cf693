/* Post-ops: what follows the sum, one function each. */
#ifndef CONVJIT_POSTOP_H
#define CONVJIT_POSTOP_H

#include "em.h"

/* The value after `post`. The operands are the ones that post-op takes, already loaded: the residual, or scale
 * and shift. */
em_vec postop_apply(struct em *em, const struct post *post, em_vec y, em_vec first, em_vec second);

#endif
