/* One convolution on tensors in double precision. The kernel's tensors are guarded buffers in the layout asked
 * for. */
#include "convolve.h"

#include "../support/guard.h"
#include "../support/oracle.h"

#include <stdlib.h>
#include <string.h>

struct buffers {
    size_t width;
    struct guarded input, weight, bias, output, packed, scratch;
};

/* Where element `index` of [n, c, spatial...] lies. */
static int64_t place(const struct onnx_tensor *t, cj_layout layout, int64_t index)
{
    if (layout == CJ_NCHW)
        return index;
    int64_t channels = t->dims[1], pixels = t->count / t->dims[0] / channels;
    int64_t p = index % pixels, c = index / pixels % channels, n = index / pixels / channels;
    return (n * pixels + p) * channels + c;
}

static struct guarded buffer_for(size_t bytes, size_t alignment)
{
    return guard_new(bytes, alignment, GUARD_BEHIND);
}

static struct guarded lay_out(const struct onnx_tensor *t, cj_layout layout, size_t width)
{
    struct guarded buffer = buffer_for((size_t)t->count * width, width);
    for (int64_t i = 0; i < t->count; i++) {
        char *to = (char *)buffer.data + place(t, layout, i) * (int64_t)width;
        if (width == sizeof(double))
            memcpy(to, &t->values[i], width);
        else
            memcpy(to, &(float){(float)t->values[i]}, sizeof(float));
    }
    return buffer;
}

static void take_back(struct onnx_tensor *t, cj_layout layout, const struct buffers *b)
{
    for (int64_t i = 0; i < t->count; i++) {
        const char *from = (const char *)b->output.data + place(t, layout, i) * (int64_t)b->width;
        float narrow;
        if (b->width == sizeof(double)) {
            memcpy(&t->values[i], from, sizeof(double));
        } else {
            memcpy(&narrow, from, sizeof narrow);
            t->values[i] = (double)narrow;
        }
    }
}

static struct buffers make_buffers(const cj_conv_desc *d, const cj_kernel *kernel,
                                   const struct onnx_operands *o, const struct onnx_tensor *y)
{
    static const struct onnx_tensor nothing = {0};
    struct buffers b = {.width = d->dtype == CJ_F64 ? sizeof(double) : sizeof(float)};
    b.input = lay_out(o->input, d->input_layout, b.width);
    b.weight = lay_out(o->weight, CJ_NCHW, b.width);
    b.bias = lay_out(o->bias ? o->bias : &nothing, CJ_NCHW, b.width);
    b.output = buffer_for((size_t)y->count * b.width, b.width);
    b.packed = buffer_for(cj_packed_bytes(kernel), 64);
    b.scratch = buffer_for(cj_scratch_bytes(kernel, 1), 64);
    memset(b.output.data, 0xff, (size_t)y->count * b.width);
    memset(b.scratch.data, 0xff, cj_scratch_bytes(kernel, 1));
    return b;
}

static void free_buffers(struct buffers *b)
{
    struct guarded *all[] = {&b->input, &b->weight, &b->bias, &b->output, &b->packed, &b->scratch};
    for (int i = 0; i < 6; i++)
        guard_free(all[i]);
}

static bool by_kernel(const struct onnx_way *way, const cj_conv_desc *d, const struct onnx_operands *o,
                      struct onnx_tensor *y, struct onnx_problem *problem)
{
    cj_kernel *kernel;
    cj_status status = cj_prepare(way->context, d, &kernel);
    if (status != CJ_OK)
        return onnx_fail(problem, "%s: %s", cj_status_name(status), cj_last_error());
    struct buffers b = make_buffers(d, kernel, o, y);
    cj_tensors tensors = {.output = b.output.data,
                          .input = b.input.data,
                          .packed = b.packed.data,
                          .bias = b.bias.data,
                          .scratch = b.scratch.data};
    status = cj_pack_weights(kernel, b.weight.data, NULL, b.packed.data);
    if (status == CJ_OK)
        status = cj_run(kernel, y->dims[0], &tensors, NULL);
    if (status == CJ_OK)
        take_back(y, d->output_layout, &b);
    else
        onnx_fail(problem, "%s: %s", cj_status_name(status), cj_last_error());
    free_buffers(&b);
    cj_release(kernel);
    return status == CJ_OK;
}

static bool by_oracle(const cj_conv_desc *d, const struct onnx_operands *o, struct onnx_tensor *y,
                      struct onnx_problem *problem)
{
    double *bound = calloc((size_t)y->count, sizeof(double));
    if (!bound)
        return onnx_fail(problem, "no memory");
    oracle_run(&(struct oracle_case){.desc = d,
                                     .batch = y->dims[0],
                                     .input = o->input->values,
                                     .weight = o->weight->values,
                                     .bias = o->bias ? o->bias->values : NULL,
                                     .output = y->values,
                                     .bound = bound});
    free(bound);
    return true;
}

bool onnx_convolve(const struct onnx_way *way, cj_conv_desc *desc, const struct onnx_operands *o,
                   struct onnx_tensor *output, struct onnx_problem *problem)
{
    char shape[400];
    int64_t dims[ONNX_RANK] = {o->input->dims[0], desc->out_channels};
    desc->dtype = way->dtype;
    desc->input_layout = desc->output_layout = way->layout;
    desc->isa = way->isa;
    desc->accuracy = way->accuracy;
    if (cj_output_size(desc, dims + 2) != CJ_OK || cj_desc_print(desc, dims[0], shape, sizeof shape) != CJ_OK)
        return onnx_fail(problem, "%s", cj_last_error());
    if (!onnx_tensor_make(output, (size_t)(2 + desc->rank), dims, problem))
        return false;
    guard_announce(shape);
    return way->context ? by_kernel(way, desc, o, output, problem) : by_oracle(desc, o, output, problem);
}
