/* oneDNN's benchdnn problem strings: "g1mb1_ic64ih56_oc64oh56_kh3sh1dh0ph1n\"name\"". */
#ifndef CONVJIT_BENCHDNN_H
#define CONVJIT_BENCHDNN_H

#include <convjit/convjit.h>

#include <stdbool.h>

bool benchdnn_looks_like(const char *text);

/* As cj_desc_parse. A convolution; dilation counts the gaps, an absent w copies h and an absent d is none, and
 * the output's size decides the padding behind. */
cj_status benchdnn_parse(const char *text, cj_conv_desc *desc, int64_t *batch);

#endif
