/* SHAPE strings: convolutions as one line of text. */
#ifndef CONVJIT_TEXT_H
#define CONVJIT_TEXT_H

#include <convjit/convjit.h>

#include <stddef.h>

/* As cj_desc_parse and cj_desc_print. */
cj_status text_parse_shape(const char *text, cj_conv_desc *desc, int64_t *batch);
cj_status text_print_shape(const cj_conv_desc *desc, int64_t batch, char *text, size_t size);

/* The name of a post-op ("relu6"), and the one of a name: CJ_POST_NONE if there is none. */
const char *post_name(cj_post_kind kind);
cj_post_kind post_by_name(const char *name, int *parameters);

#endif
