/* The last step of conv_from_desc. */
#ifndef CONVJIT_CANON_H
#define CONVJIT_CANON_H

#include "conv.h"

/* Bring a correct convolution into the form that conv.h promises, computing the same. */
void conv_canonicalise(struct conv *conv);

#endif
