/* A model of ONNX's test data: its graph, and running it on one of its data sets. */
#ifndef CONVJIT_ONNX_MODEL_H
#define CONVJIT_ONNX_MODEL_H

#include "convolve.h"

/* The bytes of a ModelProto, checked as far as onnx_model_run relies on. Free it with onnx_model_free. NULL on
 * failure. */
Onnx__ModelProto *onnx_model_parse(const uint8_t *bytes, size_t size, struct onnx_problem *problem);
Onnx__ModelProto *onnx_model_load(const char *path, struct onnx_problem *problem);
void onnx_model_free(Onnx__ModelProto *model);

/* The first operator of the graph that onnx_model_run does not know, or NULL. */
const char *onnx_model_stranger(const Onnx__ModelProto *model);

/* What came out of a run. */
struct onnx_result {
    char shape[400]; /* of the last convolution */
    struct onnx_tensor output;
};

/* Run a graph of one output on the inputs input_<i>.pb of a folder. The result is to be freed in any case. */
bool onnx_model_run(const Onnx__ModelProto *model, const char *folder, const struct onnx_way *way,
                    struct onnx_result *result, struct onnx_problem *problem);

#endif
