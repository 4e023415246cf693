/* The header of a .npy file: a Python dictionary as text. */
#ifndef CONVJIT_NPY_HEADER_H
#define CONVJIT_NPY_HEADER_H

#include "npy.h"

#include <stddef.h>

/* Read "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }" into dtype, rank and shape. The sentence
 * in `error` has no subject: "has no 'shape' in its header". */
npy_status npy_header_parse(const char *text, size_t size, struct npy *array, bool *fortran,
                            char error[NPY_ERROR_SIZE]);

/* The dictionary of an array in C order, without padding. Returns its length; cut at `size`. */
int npy_header_print(const struct npy *array, char *text, size_t size);

#endif
