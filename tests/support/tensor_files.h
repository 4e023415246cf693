/* Tensors as files, for tests of what reads them. The data are zeros. */
#ifndef CONVJIT_TENSOR_FILES_H
#define CONVJIT_TENSOR_FILES_H

#include "folder.h"

#include <convjit/convjit.h>

/* Write version 1.0 of .npy by hand. `shape` is "2,3,4": what stands in Python's tuple; NULL writes nothing.
 * Returns the path, valid as long as the folder's. */
const char *tensor_file(struct folder *folder, const char *name, cj_dtype dtype, const char *shape);

#endif
