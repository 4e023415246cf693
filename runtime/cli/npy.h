/* NumPy's .npy files: versions 1.0 to 3.0 in, 1.0 out, of little-endian float32 and float64.
 *
 * Nothing here prints. A file is not trusted: its header is checked, and its size against its shape, before
 * memory is taken for its data. */
#ifndef CONVJIT_NPY_H
#define CONVJIT_NPY_H

#include <convjit/convjit.h>

#include <stdbool.h>

enum { NPY_MAX_RANK = 32, NPY_ERROR_SIZE = 512 };

typedef enum npy_status {
    NPY_OK = 0,
    NPY_WRONG,       /* the file is not there, is no .npy file, or does not hold what it says */
    NPY_UNSUPPORTED, /* a correct file of a type that is not read here */
    NPY_SYSTEM       /* memory or disk failed */
} npy_status;

/* An array in C order. */
struct npy {
    cj_dtype dtype;
    int rank;
    int64_t shape[NPY_MAX_RANK];
    int64_t count; /* elements: the product of the shape */
    void *data;    /* from malloc, 64-byte aligned; never NULL after a read, though count may be 0 */
};

/* On failure `error` holds a sentence that begins with the path, and `array` needs no npy_free. */
npy_status npy_read(const char *path, struct npy *array, char error[NPY_ERROR_SIZE]);

/* The file appears whole or not at all. */
npy_status npy_write(const char *path, const struct npy *array, char error[NPY_ERROR_SIZE]);

/* Zeroed data for the dtype and shape that are set; sets count. False without memory or if it overflows. */
bool npy_allocate(struct npy *array);
void npy_free(struct npy *array);

/* Change the type of every element, rounding to nearest. False without memory: then nothing has changed. */
bool npy_convert(struct npy *array, cj_dtype dtype);

#endif
