/* A Conv or ConvTranspose node as a descriptor. */
#ifndef CONVJIT_ONNX_NODE_H
#define CONVJIT_ONNX_NODE_H

#include "tensor.h"

#include <convjit/convjit.h>

struct onnx_operands {
    const struct onnx_tensor *input, *weight, *bias; /* bias may be NULL */
};

/* Sizes from the operands, the rest from the attributes. True: the operands are as large as the descriptor
 * says. */
bool onnx_describe(const Onnx__NodeProto *node, const struct onnx_operands *operands, cj_conv_desc *desc,
                   struct onnx_problem *problem);

#endif
