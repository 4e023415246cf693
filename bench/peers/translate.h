/* From a layer to the calls that peers are asked for. */
#ifndef CONVJIT_TRANSLATE_H
#define CONVJIT_TRANSLATE_H

#include "../shapes_file.h"
#include "call.h"

/* The layer as a user of it would call a library: a table's 3-D form without its leading unit dimensions. The
 * layout is left at CALL_NCHW. Complains about what not every peer can be asked for: biases, epilogues, f64,
 * other padding than zeros. */
int call_of_layer(const struct layer_shape *shape, int threads, struct call *call);

/* The same for convjit, in NCHW. */
cj_conv_desc desc_of_call(const struct call *call);

/* The call, in its layout, put another way that some libraries do better: a 1-D one as 2-D of height 1; of 1x1
 * on images of one pixel, the batch along a row of one image. False where neither applies. */
bool call_rewrite(const struct call *call, struct call *rewritten);

#endif
