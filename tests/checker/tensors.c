#include "tensors.h"

#include "../support/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[OPERANDS] = {"input",    "weight", "pointwise", "bias",
                                            "residual", "scale",  "shift",     "output"};

/* Bytes of a file, in memory of the caller's. */
struct bytes {
    char *at;
    size_t size;
};

static size_t element_size(const struct problem *p)
{
    return p->desc->dtype == CJ_F64 ? 8 : 4;
}

/* Where element i of an operand lies: activations in the descriptor's layout, the rest as it is. */
static int64_t place(const struct problem *p, enum operand which, int64_t i)
{
    struct layout layout;
    if (which == INPUT)
        layout = layout_input(p->desc, p->batch);
    else if (which == OUTPUT || which == RESIDUAL)
        layout = layout_output(p->desc, p->batch);
    else
        return i;
    return layout_place(&layout, i);
}

static struct bytes data_of(const struct problem *p, enum operand which)
{
    size_t element = element_size(p);
    struct bytes data = {.size = (size_t)p->count[which] * element};
    data.at = malloc(data.size + 1);
    for (int64_t i = 0; i < p->count[which]; i++) {
        char *to = data.at + (size_t)place(p, which, i) * element;
        double wide = p->value[which][i];
        if (element == 8)
            memcpy(to, &wide, 8);
        else
            memcpy(to, &(float){(float)wide}, 4);
    }
    return data;
}

/* ---- Shapes ---- */

struct shape {
    int rank;
    int64_t size[5];
};

static void push(struct shape *shape, int64_t size)
{
    shape->size[shape->rank++] = size;
}

static struct shape activation_shape(const struct problem *p, bool input, bool batched)
{
    const cj_conv_desc *d = p->desc;
    struct shape shape = {0};
    int64_t channels = input ? d->in_channels : d->out_channels;
    bool last = (input ? d->input_layout : d->output_layout) == CJ_NHWC;
    if (batched)
        push(&shape, p->batch);
    if (!last)
        push(&shape, channels);
    for (int i = 0; i < d->rank; i++)
        push(&shape, input ? d->input[i] : p->out[i]);
    if (last)
        push(&shape, channels);
    return shape;
}

static struct shape weight_shape(const struct problem *p, bool pointwise)
{
    const cj_conv_desc *d = p->desc;
    struct shape shape = {0};
    int64_t groups = d->groups ? d->groups : 1, middle = d->in_channels * (d->multiplier ? d->multiplier : 1);
    bool separable = d->op == CJ_SEPARABLE, transposed = d->op == CJ_CONV_TRANSPOSE;
    push(&shape, pointwise || !separable ? (transposed ? d->in_channels : d->out_channels) : middle);
    push(&shape, pointwise    ? middle
                 : separable  ? 1
                 : transposed ? d->out_channels / groups
                              : d->in_channels / groups);
    for (int i = 0; i < d->rank; i++)
        push(&shape, pointwise ? 1 : d->kernel[i]);
    return shape;
}

static struct shape shape_of(const struct problem *p, enum operand which, bool batched)
{
    if (which == INPUT || which == OUTPUT || which == RESIDUAL)
        return activation_shape(p, which == INPUT, batched);
    if (which == WEIGHT || which == POINTWISE)
        return weight_shape(p, which == POINTWISE);
    return (struct shape){1, {p->desc->out_channels}};
}

/* The front of the file, as numpy.save writes it: the data begin at the next multiple of 64. */
static size_t print_front(const struct shape *shape, size_t element, char front[256])
{
    char sizes[128] = "", text[256];
    for (int i = 0; i < shape->rank; i++)
        sprintf(sizes + strlen(sizes), i ? ", %lld" : "%lld", (long long)shape->size[i]);
    int length = snprintf(text, sizeof text, "{'descr': '<f%zu', 'fortran_order': False, 'shape': (%s%s), }",
                          element, sizes, shape->rank == 1 ? "," : "");
    size_t total = (10 + (size_t)length + 1 + 63) / 64 * 64;
    memset(front, ' ', total);
    memcpy(front, "\x93NUMPY\x01\x00", 8);
    front[8] = (char)(total - 10);
    front[9] = 0;
    memcpy(front + 10, text, (size_t)length);
    front[total - 1] = '\n';
    return total;
}

/* ---- Files ---- */

static bool write_file(const char *folder, const char *name, const char *ending, const struct bytes pieces[2])
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    for (int i = 0; i < 2; i++)
        if (pieces[i].size)
            fwrite(pieces[i].at, 1, pieces[i].size, file);
    return fclose(file) == 0;
}

bool tensor_write(const struct problem *p, enum operand which, const char *folder, bool batched)
{
    char front[256];
    if (which == POINTWISE && p->desc->op != CJ_SEPARABLE)
        return true;
    struct shape shape = shape_of(p, which, batched);
    size_t length = print_front(&shape, element_size(p), front);
    struct bytes data = data_of(p, which);
    bool written = write_file(folder, names[which], "npy", (struct bytes[2]){{front, length}, data});
    free(data.at);
    return written;
}

static bool write_raw(const struct problem *p, enum operand which, const char *folder)
{
    struct bytes data = data_of(p, which);
    bool written = write_file(folder, names[which], "raw", (struct bytes[2]){data});
    free(data.at);
    return written;
}

static bool write_packed(const struct problem *p, const cj_kernel *kernel, const char *folder)
{
    struct bytes weight = data_of(p, WEIGHT), pointwise = data_of(p, POINTWISE),
                 packed = {.size = cj_packed_bytes(kernel)};
    packed.at = aligned_alloc(64, packed.size / 64 * 64 + 64);
    bool written =
        cj_pack_weights(kernel, weight.at, p->count[POINTWISE] ? pointwise.at : NULL, packed.at) == CJ_OK &&
        write_file(folder, "packed", "raw", (struct bytes[2]){packed});
    free(weight.at);
    free(pointwise.at);
    free(packed.at);
    return written;
}

bool tensors_write_raw(const struct problem *p, const cj_kernel *kernel, const char *folder)
{
    bool written = write_packed(p, kernel, folder);
    for (enum operand which = INPUT; which < OUTPUT; which++)
        written &= write_raw(p, which, folder);
    return written;
}

/* All of a file and one byte more than is expected, if it has that. */
static struct bytes read_file(const char *path, size_t expected)
{
    struct bytes bytes = {.at = malloc(expected + 1)};
    FILE *file = fopen(path, "rb");
    if (!file)
        return bytes;
    bytes.size = fread(bytes.at, 1, expected + 1, file);
    fclose(file);
    return bytes;
}

static void take_output(struct problem *p, const char *data)
{
    size_t element = element_size(p);
    for (int64_t i = 0; i < p->count[OUTPUT]; i++) {
        const char *from = data + (size_t)place(p, OUTPUT, i) * element;
        float narrow;
        memcpy(&narrow, from, 4);
        p->value[OUTPUT][i] = (double)narrow;
        if (element == 8)
            memcpy(&p->value[OUTPUT][i], from, 8);
    }
}

const char *tensor_read_output(struct problem *p, const char *file, bool batched, bool raw)
{
    char front[256];
    struct shape shape = shape_of(p, OUTPUT, batched);
    size_t length = raw ? 0 : print_front(&shape, element_size(p), front);
    size_t expected = length + (size_t)p->count[OUTPUT] * element_size(p);
    struct bytes bytes = read_file(file, expected);
    const char *why = NULL;
    if (bytes.size != expected)
        why = "is not there or has another size than the output";
    else if (memcmp(bytes.at, front, length) != 0)
        why = "has another header than NumPy would write";
    else
        take_output(p, bytes.at + length);
    free(bytes.at);
    return why;
}
