/* Tensors of ONNX files, checked and in double precision. */
#ifndef CONVJIT_ONNX_TENSOR_H
#define CONVJIT_ONNX_TENSOR_H

#include "fail.h"

#include <onnx.pb-c.h>

#include <stddef.h>
#include <stdint.h>

#define ONNX_RANK 5                  /* batch, channels and three spatial dimensions */
#define ONNX_MOST ((int64_t)1 << 20) /* elements of a tensor; the largest of the data has 640,000 */

struct onnx_tensor {
    int rank;
    int64_t dims[ONNX_RANK], count;
    double *values;
};

/* A tensor of zeros. On failure, here and below, it is still good for onnx_tensor_free. */
bool onnx_tensor_make(struct onnx_tensor *tensor, size_t rank, const int64_t *dims,
                      struct onnx_problem *problem);
void onnx_tensor_free(struct onnx_tensor *tensor);

/* From a message, from the bytes of a TensorProto, from a file of them. */
bool onnx_tensor_read(struct onnx_tensor *tensor, const Onnx__TensorProto *proto, struct onnx_problem *problem);
bool onnx_tensor_parse(struct onnx_tensor *tensor, const uint8_t *bytes, size_t size,
                       struct onnx_problem *problem);
bool onnx_tensor_load(struct onnx_tensor *tensor, const char *path, struct onnx_problem *problem);

/* A whole file, to be freed. NULL: it cannot be read. */
uint8_t *onnx_file(const char *path, size_t *size, struct onnx_problem *problem);

#endif
