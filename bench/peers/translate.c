#include "translate.h"

#include <string.h>

static int64_t or_one(int64_t value)
{
    return value ? value : 1;
}

/* An array of a descriptor and of a call. */
struct array {
    const int64_t *from;
    int64_t *into;
    bool one_by_default;
};

static void copy_dimensions(const cj_conv_desc *d, const int64_t output[3], int first, struct call *call)
{
    const struct array arrays[] = {
        {d->input, call->input, true},       {output, call->output, true},
        {d->kernel, call->kernel, true},     {d->stride, call->stride, true},
        {d->dilation, call->dilation, true}, {d->pad_lo, call->pad_lo, false},
        {d->pad_hi, call->pad_hi, false},    {d->output_padding, call->output_padding, false},
    };
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++)
        for (int i = 0; i < call->rank; i++) {
            int64_t value = arrays[a].from[first + i];
            arrays[a].into[i] = arrays[a].one_by_default ? or_one(value) : value;
        }
}

static bool is_unit(const cj_conv_desc *d, const int64_t output[3], int i)
{
    return d->input[i] == 1 && d->kernel[i] == 1 && output[i] == 1 && !d->pad_lo[i] && !d->pad_hi[i];
}

/* An image of one pixel under a kernel of one is 2-D still: so it is where networks have it. */
static int leading_units(const cj_conv_desc *d, const int64_t output[3], int rank)
{
    int units = 0;
    while (units < rank - 1 && is_unit(d, output, units))
        units++;
    bool all = units == rank - 1 && is_unit(d, output, rank - 1);
    return all && rank > 1 ? rank - 2 : units;
}

static const char *cannot_ask(const cj_conv_desc *d)
{
    if (d->op == CJ_SEPARABLE)
        return "is separable";
    if (d->dtype != CJ_F32)
        return "is not f32";
    if (d->bias || d->post[0].kind != CJ_POST_NONE)
        return "has a bias or an epilogue";
    if (d->pad_mode != CJ_PAD_ZEROS || d->auto_pad != CJ_PAD_EXPLICIT || d->output_size[0])
        return "has padding other than numbers of zeros";
    return NULL;
}

int call_of_layer(const struct layer_shape *shape, int threads, struct call *call)
{
    const cj_conv_desc *d = &shape->desc;
    int64_t output[3] = {0};
    int rank = d->rank ? d->rank : 2;
    const char *reason = cannot_ask(d);
    if (reason)
        return complain(EXIT_CANNOT, "%s %s; peers are compared on plain f32 convolutions", shape->name,
                        reason);
    TRY(complain_status(cj_output_size(d, output)));
    int first = leading_units(d, output, rank);
    *call = (struct call){.threads = threads,
                          .transposed = d->op == CJ_CONV_TRANSPOSE,
                          .rank = rank - first,
                          .batch = shape->batch,
                          .groups = or_one(d->groups),
                          .in_channels = d->in_channels,
                          .out_channels = d->out_channels};
    copy_dimensions(d, output, first, call);
    return EXIT_DONE;
}

cj_conv_desc desc_of_call(const struct call *call)
{
    cj_conv_desc desc = {.op = call->transposed ? CJ_CONV_TRANSPOSE : CJ_CONV,
                         .rank = call->rank,
                         .in_channels = call->in_channels,
                         .out_channels = call->out_channels,
                         .groups = call->groups};
    size_t bytes = (size_t)call->rank * sizeof(int64_t);
    memcpy(desc.input, call->input, bytes);
    memcpy(desc.kernel, call->kernel, bytes);
    memcpy(desc.stride, call->stride, bytes);
    memcpy(desc.dilation, call->dilation, bytes);
    memcpy(desc.pad_lo, call->pad_lo, bytes);
    memcpy(desc.pad_hi, call->pad_hi, bytes);
    if (call->transposed)
        memcpy(desc.output_padding, call->output_padding, bytes);
    return desc;
}

static void add_height(struct call *call)
{
    int64_t *const ones[] = {call->input, call->output, call->kernel, call->stride, call->dilation};
    int64_t *const zeros[] = {call->pad_lo, call->pad_hi, call->output_padding};
    for (size_t a = 0; a < sizeof ones / sizeof *ones; a++) {
        ones[a][1] = ones[a][0];
        ones[a][0] = 1;
    }
    for (size_t a = 0; a < sizeof zeros / sizeof *zeros; a++) {
        zeros[a][1] = zeros[a][0];
        zeros[a][0] = 0;
    }
    call->rank = 2;
}

static bool is_batch_of_pixels(const struct call *call)
{
    return call->rank == 2 && call->batch > 1 && call->groups == 1 && !call->transposed &&
           call_product(call->input, 2) == 1 && call_product(call->kernel, 2) == 1 &&
           call_product(call->output, 2) == 1;
}

bool call_rewrite(const struct call *call, struct call *rewritten)
{
    *rewritten = *call;
    if (call->rank == 1) {
        add_height(rewritten);
        return true;
    }
    if (!is_batch_of_pixels(call))
        return false;
    /* One pixel each: images in NCHW lie in memory as pixels in NHWC do. */
    rewritten->input[1] = rewritten->output[1] = call->batch;
    rewritten->batch = 1;
    rewritten->layout = call->layout == CALL_NCHW ? CALL_NHWC : call->layout;
    return true;
}
