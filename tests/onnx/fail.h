/* What is wrong with a model or a tensor, as a sentence. */
#ifndef CONVJIT_ONNX_FAIL_H
#define CONVJIT_ONNX_FAIL_H

#include <stdbool.h>

struct onnx_problem {
    char text[600];
};

/* Write the sentence. Always false, so that a check can return it. */
bool onnx_fail(struct onnx_problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
