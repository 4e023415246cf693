/* The C header beside an emitted object. */
#ifndef CONVJIT_EMIT_HEADER_H
#define CONVJIT_EMIT_HEADER_H

#include "cli.h"

#include <stddef.h>

/* A header that declares the kernel of a convolution, with the sizes that its caller needs. Free *text. */
int emit_header(cj_context *context, const cj_conv_desc *desc, int64_t batch, char **text, size_t *size);

#endif
