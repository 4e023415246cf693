#include "npy.h"

#include "npy_header.h"
#include "outfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAGIC_BYTES = 6, ALIGNMENT = 64, MOST_HEADER_BYTES = 1 << 20 };
static const char magic[] = "\x93NUMPY";

/* A file while it is read. */
struct source {
    const char *path;
    FILE *stream;
    char *error;
    size_t header_bytes; /* everything in front of the data */
};

static npy_status refuse(const struct source *s, npy_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static npy_status refuse(const struct source *s, npy_status status, const char *format, ...)
{
    va_list args;
    int length = snprintf(s->error, NPY_ERROR_SIZE, "%.200s ", s->path);
    va_start(args, format);
    vsnprintf(s->error + length, NPY_ERROR_SIZE - (size_t)length, format, args);
    va_end(args);
    return status;
}

static npy_status refuse_errno(const struct source *s, const char *what, int error)
{
    return refuse(s, outfile_wrong_path(error) ? NPY_WRONG : NPY_SYSTEM, "%s: %s", what, strerror(error));
}

static size_t element_bytes(cj_dtype dtype)
{
    return dtype == CJ_F64 ? sizeof(double) : sizeof(float);
}

/* ---- Memory ---- */

/* A size of 0 anywhere makes an empty array, however large the others are. */
static bool count_elements(struct npy *array)
{
    array->count = 1;
    for (int i = 0; i < array->rank; i++)
        if (array->shape[i] == 0)
            return array->count = 0, true;
    for (int i = 0; i < array->rank; i++)
        if (__builtin_mul_overflow(array->count, array->shape[i], &array->count))
            return false;
    return array->count <= INT64_MAX / 16;
}

static void *take_memory(size_t bytes)
{
    return aligned_alloc(ALIGNMENT, (bytes / ALIGNMENT + 1) * ALIGNMENT);
}

bool npy_allocate(struct npy *array)
{
    array->data = NULL;
    if (!count_elements(array))
        return false;
    size_t bytes = (size_t)array->count * element_bytes(array->dtype);
    array->data = take_memory(bytes);
    if (array->data)
        memset(array->data, 0, bytes);
    return array->data;
}

void npy_free(struct npy *array)
{
    free(array->data);
    *array = (struct npy){0};
}

bool npy_convert(struct npy *array, cj_dtype dtype)
{
    struct npy other = *array;
    other.dtype = dtype;
    if (array->dtype == dtype)
        return true;
    if (!npy_allocate(&other))
        return false;
    for (int64_t i = 0; i < array->count; i++)
        if (dtype == CJ_F64)
            ((double *)other.data)[i] = (double)((const float *)array->data)[i];
        else
            ((float *)other.data)[i] = (float)((const double *)array->data)[i];
    free(array->data);
    *array = other;
    return true;
}

/* ---- Reading ---- */

static npy_status read_exactly(struct source *s, void *bytes, size_t size, const char *what)
{
    if (fread(bytes, 1, size, s->stream) == size)
        return NPY_OK;
    if (ferror(s->stream))
        return refuse_errno(s, "cannot be read", errno);
    return refuse(s, NPY_WRONG, "ends inside its %s", what);
}

static uint32_t little_endian(const unsigned char *bytes, int count)
{
    uint32_t value = 0;
    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* Magic, version and the length of the dictionary behind them: two bytes in version 1, else four. */
static npy_status read_prefix(struct source *s, size_t *length)
{
    unsigned char prefix[MAGIC_BYTES + 2], bytes[4] = {0};
    npy_status status = read_exactly(s, prefix, sizeof prefix, "first 8 bytes");
    if (status != NPY_OK)
        return status;
    if (memcmp(prefix, magic, MAGIC_BYTES) != 0)
        return refuse(s, NPY_WRONG, "is no .npy file: it does not begin with \\x93NUMPY");
    if (prefix[6] < 1 || prefix[6] > 3 || prefix[7] != 0)
        return refuse(s, NPY_UNSUPPORTED, "is of version %d.%d of the format; 1.0, 2.0 and 3.0 are read",
                      prefix[6], prefix[7]);
    int count = prefix[6] == 1 ? 2 : 4;
    status = read_exactly(s, bytes, (size_t)count, "header's length");
    *length = little_endian(bytes, count);
    s->header_bytes = sizeof prefix + (size_t)count + *length;
    if (status == NPY_OK && *length > MOST_HEADER_BYTES)
        return refuse(s, NPY_WRONG, "has a header of %zu bytes; at most %d are read", *length,
                      MOST_HEADER_BYTES);
    return status;
}

static npy_status read_header(struct source *s, struct npy *array, bool *fortran)
{
    size_t length = 0;
    npy_status status = read_prefix(s, &length);
    if (status != NPY_OK)
        return status;
    char sentence[NPY_ERROR_SIZE], *text = malloc(length + 1);
    if (!text)
        return refuse(s, NPY_SYSTEM, "needs %zu bytes of memory for its header", length);
    status = read_exactly(s, text, length, "header");
    if (status == NPY_OK && (status = npy_header_parse(text, length, array, fortran, sentence)) != NPY_OK)
        refuse(s, status, "%.300s", sentence);
    free(text);
    return status;
}

/* What the shape asks for must be what the file holds, so that a lying shape takes no memory. */
static npy_status check_size(struct source *s, struct npy *array)
{
    struct stat file;
    if (!count_elements(array))
        return refuse(s, NPY_WRONG, "has a shape whose elements no memory can hold");
    long long wanted = array->count * (long long)element_bytes(array->dtype);
    if (fstat(fileno(s->stream), &file) != 0)
        return refuse_errno(s, "cannot be read", errno);
    if (S_ISREG(file.st_mode) && file.st_size - (long long)s->header_bytes != wanted)
        return refuse(s, NPY_WRONG, "holds %lld bytes of data; its shape and descr need %lld",
                      file.st_size - (long long)s->header_bytes, wanted);
    return NPY_OK;
}

/* From first index fastest to last index fastest. */
static npy_status reverse_order(struct source *s, struct npy *array)
{
    struct npy turned = *array;
    int64_t index[NPY_MAX_RANK] = {0}, stride[NPY_MAX_RANK + 1] = {1}, from = 0;
    size_t bytes = element_bytes(array->dtype);
    if (!npy_allocate(&turned))
        return refuse(s, NPY_SYSTEM, "needs more memory than there is to leave Fortran's order");
    for (int i = 0; i < array->rank; i++)
        stride[i + 1] = stride[i] * array->shape[i];
    for (int64_t to = 0; to < array->count; to++) {
        memcpy((char *)turned.data + (size_t)to * bytes, (const char *)array->data + (size_t)from * bytes,
               bytes);
        for (int i = array->rank - 1; i >= 0; i--) {
            from += stride[i];
            if (++index[i] < array->shape[i])
                break;
            from -= stride[i + 1];
            index[i] = 0;
        }
    }
    free(array->data);
    *array = turned;
    return NPY_OK;
}

static npy_status read_data(struct source *s, struct npy *array, bool fortran)
{
    size_t bytes = (size_t)array->count * element_bytes(array->dtype);
    array->data = take_memory(bytes);
    if (!array->data)
        return refuse(s, NPY_SYSTEM, "needs %zu bytes of memory, more than there is", bytes);
    npy_status status = read_exactly(s, array->data, bytes, "data");
    if (status == NPY_OK && fgetc(s->stream) != EOF)
        status = refuse(s, NPY_WRONG, "goes on behind the %zu bytes of data that its shape needs", bytes);
    if (status == NPY_OK && fortran && array->count)
        status = reverse_order(s, array);
    if (status != NPY_OK)
        npy_free(array);
    return status;
}

npy_status npy_read(const char *path, struct npy *array, char error[NPY_ERROR_SIZE])
{
    struct source source = {.path = path, .stream = fopen(path, "rb"), .error = error};
    bool fortran = false;
    *array = (struct npy){0};
    if (!source.stream)
        return refuse_errno(&source, "cannot be opened", errno);
    npy_status status = read_header(&source, array, &fortran);
    if (status == NPY_OK)
        status = check_size(&source, array);
    if (status == NPY_OK)
        status = read_data(&source, array, fortran);
    fclose(source.stream);
    return status;
}

/* ---- Writing ---- */

/* The data begin at a multiple of 64, as NumPy writes it: spaces, then one newline, fill the header up. */
static void write_header(FILE *out, const struct npy *array)
{
    char text[NPY_MAX_RANK * 22 + 128];
    int length = npy_header_print(array, text, sizeof text);
    int front = MAGIC_BYTES + 4, total = (front + length + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    int field = total - front;
    const unsigned char prefix[] = {1, 0, (unsigned char)(field & 255), (unsigned char)(field >> 8)};
    fwrite(magic, 1, MAGIC_BYTES, out);
    fwrite(prefix, 1, sizeof prefix, out);
    fprintf(out, "%-*s\n", field - 1, text);
}

npy_status npy_write(const char *path, const struct npy *array, char error[NPY_ERROR_SIZE])
{
    struct source source = {.path = path, .error = error};
    struct outfile file;
    int failed = outfile_open(&file, path);
    if (failed)
        return refuse_errno(&source, "cannot be written", failed);
    write_header(file.stream, array);
    size_t count = (size_t)array->count, bytes = element_bytes(array->dtype);
    if (fwrite(array->data, bytes, count, file.stream) != count) {
        failed = errno;
        outfile_abandon(&file);
    } else {
        failed = outfile_commit(&file);
    }
    return failed ? refuse_errno(&source, "cannot be written", failed) : NPY_OK;
}
