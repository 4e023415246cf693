/* One convolution on tensors in double precision: by a kernel, or by the oracle. */
#ifndef CONVJIT_ONNX_CONVOLVE_H
#define CONVJIT_ONNX_CONVOLVE_H

#include "node.h"

struct onnx_way {
    const char *name;
    cj_context *context; /* NULL: the oracle */
    cj_dtype dtype;
    cj_layout layout;
    cj_isa isa;
    cj_accuracy accuracy;
};

/* Make `output` and fill it; `desc` gets what the way says. */
bool onnx_convolve(const struct onnx_way *way, cj_conv_desc *desc, const struct onnx_operands *operands,
                   struct onnx_tensor *output, struct onnx_problem *problem);

#endif
