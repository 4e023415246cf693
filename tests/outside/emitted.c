/* An emitted kernel without any library: the object and its header are all that is linked. Reads raw tensors
 * from a folder and writes output.raw there.
 *
 *   emitted FOLDER IMAGES OUTPUT_BYTES */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

/* A whole file in aligned memory; ends the program without it. */
static void *read_file(const char *folder, const char *name, long *size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.raw", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "emitted: %s is not there\n", path);
        exit(1);
    }
    *size = ftell(file);
    rewind(file);
    void *bytes = aligned_alloc(64, (size_t)*size / 64 * 64 + 64);
    size_t read = fread(bytes, 1, (size_t)*size, file);
    fclose(file);
    return read == (size_t)*size ? bytes : NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 1;
    char path[512];
    long size, packed_size;
    int64_t images = atoll(argv[2]);
    size_t output_size = (size_t)atoll(argv[3]);
    void *input = read_file(argv[1], "input", &size), *bias = read_file(argv[1], "bias", &size);
    void *residual = read_file(argv[1], "residual", &size), *scale = read_file(argv[1], "scale", &size);
    void *packed = read_file(argv[1], "packed", &packed_size), *shift = read_file(argv[1], "shift", &size);
    void *scratch = aligned_alloc(64, CONVJIT_KERNEL_SCRATCH_BYTES / 64 * 64 + 64);
    void *output = aligned_alloc(64, output_size / 64 * 64 + 64);
    if (packed_size != CONVJIT_KERNEL_PACKED_BYTES) {
        fprintf(stderr, "emitted: the header says %lld bytes of weights, they are %ld\n",
                (long long)CONVJIT_KERNEL_PACKED_BYTES, packed_size);
        return 1;
    }
    /* The SHAPEs that this is tried with have their post-ops in this order, some of them from the start. */
    const void *const extra[] = {scale, shift, residual};
    for (int64_t unit = 0; unit < images * CONVJIT_KERNEL_UNITS; unit++) /* one by one: any cut is right */
        convjit_kernel(output, input, packed, bias, extra, scratch, unit, unit + 1);
    snprintf(path, sizeof path, "%s/output.raw", argv[1]);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(output, 1, output_size, file) != output_size || fclose(file) != 0)
        return 1;
    printf("%s\n", CONVJIT_KERNEL_SHAPE);
    return 0;
}
