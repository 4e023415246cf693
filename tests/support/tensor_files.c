#include "tensor_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_elements(const char *shape)
{
    size_t count = 1;
    for (const char *at = shape; *at; at += strspn(at, ", ")) {
        char *end;
        count *= strtoul(at, &end, 10);
        at = end;
    }
    return count;
}

const char *tensor_file(struct folder *folder, const char *name, cj_dtype dtype, const char *shape)
{
    char header[200];
    if (!shape)
        return NULL;
    int length = snprintf(header, sizeof header, "{'descr': '<f%d', 'fortran_order': False, 'shape': (%s%s), }",
                          dtype == CJ_F64 ? 8 : 4, shape, *shape ? "," : "");
    size_t front = 10 + (size_t)length, size = front + count_elements(shape) * (dtype == CJ_F64 ? 8 : 4);
    char *bytes = calloc(1, size);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (char)length;
    memcpy(bytes + 10, header, (size_t)length);
    folder_write(folder, name, bytes, size);
    free(bytes);
    return folder_path(folder, name);
}
