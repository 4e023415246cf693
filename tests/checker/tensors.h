/* Tensors of a problem as files. */
#ifndef CONVJIT_CHECKER_TENSORS_H
#define CONVJIT_CHECKER_TENSORS_H

#include "../support/problem.h"

#include <stdbool.h>

/* FOLDER/input.npy, FOLDER/weight.npy, ...: named as the command's options. An operand that the operator does
 * not have is not written. Without `batched`, activations have no batch dimension. */
bool tensor_write(const struct problem *p, enum operand which, const char *folder, bool batched);

/* FOLDER/input.raw and so on, and FOLDER/packed.raw: weights as the kernel reads them. */
bool tensors_write_raw(const struct problem *p, const cj_kernel *kernel, const char *folder);

/* Read a result into value[OUTPUT]. The file must be what NumPy would write, or, raw, the data alone. NULL, or
 * what is wrong with it, for a sentence that begins with its name. */
const char *tensor_read_output(struct problem *p, const char *file, bool batched, bool raw);

#endif
