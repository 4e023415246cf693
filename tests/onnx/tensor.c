/* Tensors of ONNX files. Nothing in a file is believed before it is checked. */
#include "tensor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *onnx_file(const char *path, size_t *size, struct onnx_problem *problem)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0)
        bytes = malloc((size_t)end + 1);
    if (!bytes || fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        onnx_fail(problem, "%s cannot be read: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    *size = (size_t)end;
    return bytes;
}

bool onnx_tensor_make(struct onnx_tensor *tensor, size_t rank, const int64_t *dims,
                      struct onnx_problem *problem)
{
    *tensor = (struct onnx_tensor){.count = 1};
    if (rank > ONNX_RANK)
        return onnx_fail(problem, "a tensor has %zu dimensions; it can have %d", rank, ONNX_RANK);
    tensor->rank = (int)rank;
    for (int i = 0; i < tensor->rank; i++) {
        if (dims[i] < 1 || dims[i] > ONNX_MOST / tensor->count)
            return onnx_fail(problem, "dimension %d of a tensor is %lld", i, (long long)dims[i]);
        tensor->dims[i] = dims[i];
        tensor->count *= dims[i];
    }
    tensor->values = calloc((size_t)tensor->count, sizeof(double));
    return tensor->values || onnx_fail(problem, "no memory");
}

void onnx_tensor_free(struct onnx_tensor *tensor)
{
    free(tensor->values);
    *tensor = (struct onnx_tensor){0};
}

static size_t width_of(const Onnx__TensorProto *proto)
{
    if (proto->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return sizeof(float);
    return proto->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ? sizeof(double) : 0;
}

/* Elements are either in raw_data, little-endian as this machine is, or in the list of their type. */
static size_t bytes_held(const Onnx__TensorProto *proto, size_t width)
{
    if (proto->has_raw_data)
        return proto->raw_data.len;
    return width * (width == sizeof(float) ? proto->n_float_data : proto->n_double_data);
}

static double element(const Onnx__TensorProto *proto, size_t width, size_t index)
{
    float narrow;
    double wide;
    if (!proto->has_raw_data)
        return width == sizeof(float) ? (double)proto->float_data[index] : proto->double_data[index];
    if (width == sizeof wide) {
        memcpy(&wide, proto->raw_data.data + index * width, width);
        return wide;
    }
    memcpy(&narrow, proto->raw_data.data + index * width, sizeof narrow);
    return (double)narrow;
}

bool onnx_tensor_read(struct onnx_tensor *tensor, const Onnx__TensorProto *proto, struct onnx_problem *problem)
{
    const char *name = proto->name ? proto->name : "";
    size_t width = width_of(proto);
    *tensor = (struct onnx_tensor){0};
    if (!width)
        return onnx_fail(problem, "tensor '%s' has elements of type %d", name, proto->data_type);
    if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL || proto->segment)
        return onnx_fail(problem, "tensor '%s' lies in another file", name);
    if (!onnx_tensor_make(tensor, proto->n_dims, proto->dims, problem))
        return false;
    if (bytes_held(proto, width) != (size_t)tensor->count * width) {
        onnx_fail(problem, "tensor '%s' holds %zu bytes, and its dimensions ask for %zu", name,
                  bytes_held(proto, width), (size_t)tensor->count * width);
        onnx_tensor_free(tensor);
        return false;
    }
    for (size_t i = 0; i < (size_t)tensor->count; i++)
        tensor->values[i] = element(proto, width, i);
    return true;
}

bool onnx_tensor_parse(struct onnx_tensor *tensor, const uint8_t *bytes, size_t size,
                       struct onnx_problem *problem)
{
    *tensor = (struct onnx_tensor){0};
    Onnx__TensorProto *proto = onnx__tensor_proto__unpack(NULL, size, bytes);
    if (!proto)
        return onnx_fail(problem, "%zu bytes are no TensorProto", size);
    bool good = onnx_tensor_read(tensor, proto, problem);
    onnx__tensor_proto__free_unpacked(proto, NULL);
    return good;
}

bool onnx_tensor_load(struct onnx_tensor *tensor, const char *path, struct onnx_problem *problem)
{
    size_t size;
    struct onnx_problem inner;
    *tensor = (struct onnx_tensor){0};
    uint8_t *bytes = onnx_file(path, &size, problem);
    if (!bytes)
        return false;
    bool good = onnx_tensor_parse(tensor, bytes, size, &inner);
    free(bytes);
    return good || onnx_fail(problem, "%s: %s", path, inner.text);
}
