/* convjit's side of a comparison. */
#ifndef CONVJIT_OWN_H
#define CONVJIT_OWN_H

#include "../layer.h"
#include "numbers.h"

/* What the output of a call must be: by convjit as a plain sum of products, in NCHW. `name` is for complaints.
 */
int own_expect(cj_context *context, const struct call *call, const char *name, struct check *check);

/* layer_open, with the tensors filled as the peers fill theirs, and the result looked at. On failure
 * layer_close still has to be called. */
int own_open(struct layer *layer, const struct layer_shape *shape, cj_context *context, const struct call *call,
             const struct check *expected);

#endif
