/* Making a convolution canonical changes nothing: which inputs and taps make each output is compared, place by
 * place in memory, with what the descriptor says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/oracle.h"
#include "support/random.h"
#include "support/sample.h"

#include <stdio.h>
#include <string.h>

enum { MOST_OUTPUTS = 1024, MOST_TAPS = 32, NOTHING = -1, UNSET = -2 };

/* For each output, by its place in memory, and each tap of the kernel, in the order of plain weights: the place
 * in memory of the input that they meet at, for channel 0 of each. */
struct meaning {
    int64_t at[MOST_OUTPUTS][MOST_TAPS];
};

/* The input coordinate that output o and tap k of an axis meet at, or NOTHING. */
static int64_t meet(const struct conv *conv, const struct axis *x, int64_t o, int64_t k)
{
    int64_t at = o * x->stride + k * x->dilation - x->pad_lo, up = o + x->pad_lo - k * x->dilation;
    if (conv->op == CJ_CONV_TRANSPOSE)
        return up >= 0 && up % x->stride == 0 && up / x->stride < x->in ? up / x->stride : NOTHING;
    if (at >= 0 && at < x->in)
        return at;
    switch ((cj_pad_mode)conv->pad_mode) {
    case CJ_PAD_REFLECT:
        return at < 0 ? -at : 2 * (x->in - 1) - at;
    case CJ_PAD_REPLICATE:
        return at < 0 ? 0 : x->in - 1;
    case CJ_PAD_CIRCULAR:
        return at < 0 ? at + x->in : at - x->in;
    case CJ_PAD_ZEROS:
        return NOTHING;
    }
    return NOTHING;
}

static void set_output(const struct conv *conv, const int64_t o[AXES], int64_t row[MOST_TAPS])
{
    const struct axis *x = conv->axis;
    int64_t tap = 0;
    for (int64_t kd = 0; kd < x[0].kernel; kd++)
        for (int64_t kh = 0; kh < x[1].kernel; kh++)
            for (int64_t kw = 0; kw < x[2].kernel; kw++) {
                int64_t d = meet(conv, &x[0], o[0], kd), h = meet(conv, &x[1], o[1], kh),
                        w = meet(conv, &x[2], o[2], kw);
                const struct strides *s = &conv->src;
                row[tap++] =
                    d < 0 || h < 0 || w < 0 ? NOTHING : d * s->axis[0] + h * s->axis[1] + w * s->axis[2];
            }
}

static void set_meaning(const struct conv *conv, struct meaning *meaning)
{
    const struct axis *x = conv->axis;
    int64_t o[AXES];
    for (int i = 0; i < MOST_OUTPUTS * MOST_TAPS; i++)
        meaning->at[i / MOST_TAPS][i % MOST_TAPS] = UNSET;
    for (o[0] = 0; o[0] < x[0].out; o[0]++)
        for (o[1] = 0; o[1] < x[1].out; o[1]++)
            for (o[2] = 0; o[2] < x[2].out; o[2]++) {
                const struct strides *s = &conv->dst;
                set_output(conv, o, meaning->at[o[0] * s->axis[0] + o[1] * s->axis[1] + o[2] * s->axis[2]]);
            }
}

/* Blocks of channels as the header has them: [n, ceil(c / B), spatial..., B]. */
static void add_blocks(struct strides *strides, int64_t block, int64_t channels, int64_t step)
{
    if (!block)
        return;
    strides->block = block;
    strides->block_step = step;
    strides->n = (channels + block - 1) / block * step;
}

/* The descriptor as it stands, without any rule but the header's. */
static struct conv literal(const cj_conv_desc *d)
{
    struct conv conv = {.op = d->op, .pad_mode = d->pad_mode};
    int64_t out[3], src = d->input_layout == CJ_NHWC ? d->in_channels : 1,
                    dst = d->output_layout == CJ_NHWC ? d->out_channels : 1;
    src = d->input_block ? d->input_block : src;
    dst = d->output_block ? d->output_block : dst;
    oracle_output_size(d, out);
    for (int a = AXES - 1; a >= 0; a--) {
        int i = a - (AXES - d->rank);
        conv.axis[a] = (struct axis){1, 1, 1, 1, 1, 0, 0};
        if (i >= 0)
            conv.axis[a] = (struct axis){d->input[i],
                                         out[i],
                                         d->kernel[i],
                                         d->stride[i] ? d->stride[i] : 1,
                                         d->dilation[i] ? d->dilation[i] : 1,
                                         d->pad_lo[i],
                                         d->pad_hi[i]};
        conv.src.axis[a] = src;
        conv.dst.axis[a] = dst;
        src *= conv.axis[a].in;
        dst *= conv.axis[a].out;
    }
    if (d->input_layout == CJ_STRIDED && d->output_layout == CJ_STRIDED) {
        conv.src = (struct strides){.n = d->input_strides[0], .c = d->input_strides[1]};
        conv.dst = (struct strides){.n = d->output_strides[0], .c = d->output_strides[1]};
        memcpy(conv.src.axis, d->input_strides + 2, sizeof conv.src.axis);
        memcpy(conv.dst.axis, d->output_strides + 2, sizeof conv.dst.axis);
        return conv;
    }
    conv.src.c = d->input_layout == CJ_NCHW ? src : 1;
    conv.dst.c = d->output_layout == CJ_NCHW ? dst : 1;
    conv.src.n = d->input_layout == CJ_NHWC ? src : src * d->in_channels;
    conv.dst.n = d->output_layout == CJ_NHWC ? dst : dst * d->out_channels;
    add_blocks(&conv.src, d->input_block, d->in_channels, src);
    add_blocks(&conv.dst, d->output_block, d->out_channels, dst);
    return conv;
}

/* A 2x3x2 image and 1x1x1 kernels: input and output, each with or without a gap behind rows and planes. */
static cj_conv_desc with_gaps(int code)
{
    cj_conv_desc d = {.rank = 3,
                      .in_channels = 1,
                      .out_channels = 1,
                      .input = {2, 3, 2},
                      .kernel = {1, 1, 1},
                      .input_layout = CJ_STRIDED,
                      .output_layout = CJ_STRIDED};
    int64_t row = 2 + code % 2, plane = 3 * row + code / 2 % 2;
    memcpy(d.input_strides, (int64_t[]){50, 50, plane, row, 1}, sizeof d.input_strides);
    row = 2 + code / 4 % 2, plane = 3 * row + code / 8;
    memcpy(d.output_strides, (int64_t[]){50, 50, plane, row, 1}, sizeof d.output_strides);
    return d;
}

static bool is_small(const struct conv *conv)
{
    int64_t reach = 1, taps = 1;
    for (int a = 0; a < AXES; a++) {
        reach += (conv->axis[a].out - 1) * conv->dst.axis[a];
        taps *= conv->axis[a].kernel;
    }
    return reach <= MOST_OUTPUTS && taps <= MOST_TAPS;
}

/* Elements to a channel. */
static int64_t channel_at(const struct strides *s, int64_t channel)
{
    return s->block ? channel / s->block * s->block_step + channel % s->block : channel * s->c;
}

static bool channels_lie_alike(const struct strides *a, const struct strides *b, int64_t channels)
{
    for (int64_t c = 0; c < channels; c++)
        if (channel_at(a, c) != channel_at(b, c))
            return false;
    return a->n == b->n;
}

static bool channels_agree(const cj_conv_desc *d, const struct conv *a, const struct conv *b)
{
    return channels_lie_alike(&a->src, &b->src, d->in_channels) &&
           channels_lie_alike(&a->dst, &b->dst, d->out_channels);
}

/* Padding behind is as much as is read; none for transposed ones, where `out` says it. */
static bool padding_behind_is_read(const struct conv *conv)
{
    for (int a = 0; a < AXES; a++) {
        const struct axis *x = &conv->axis[a];
        int64_t most = 0;
        for (int64_t o = 0; o < x->out && conv->op != CJ_CONV_TRANSPOSE; o++)
            for (int64_t k = 0; k < x->kernel; k++) {
                int64_t behind = o * x->stride + k * x->dilation - x->pad_lo - (x->in - 1);
                most = behind > most ? behind : most;
            }
        if (x->pad_hi != most)
            return false;
    }
    return true;
}

static bool means_the_same(const cj_conv_desc *desc)
{
    static struct meaning said, made;
    struct conv conv, plain = literal(desc);
    conv_from_desc(desc, &conv);
    set_meaning(&plain, &said);
    set_meaning(&conv, &made);
    return memcmp(&said, &made, sizeof said) == 0 && channels_agree(desc, &conv, &plain) &&
           padding_behind_is_read(&conv);
}

static void the_canonical_form_means_what_the_descriptor_says(void **state)
{
    (void)state;
    unsigned s = 11;
    int checked = 0, wrong = 0;
    while (checked < 1000 && wrong < 5) {
        cj_conv_desc desc = sample_desc(&s, 9);
        struct conv plain = literal(&desc);
        if (desc.auto_pad != CJ_PAD_EXPLICIT || !is_small(&plain))
            continue;
        checked++;
        if (means_the_same(&desc))
            continue;
        fprintf(stderr, "%s\n", sample_shape(&desc));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Made of ones and twos, so that idle and mergeable dimensions are common. */
static void dimensions_that_do_little_mean_the_same(void **state)
{
    (void)state;
    static const int64_t few[] = {1, 1, 1, 2, 3};
    unsigned s = 5;
    int checked = 0, wrong = 0;
    while (checked < 4000 && wrong < 5) {
        cj_conv_desc desc = sample_desc(&s, 3);
        struct conv conv;
        for (int i = 0; i < desc.rank; i++) {
            desc.kernel[i] = random_pick(&s, few, 5);
            desc.stride[i] = random_pick(&s, few, 5);
            desc.pad_lo[i] = random_pick(&s, few, 5) - 1;
            desc.pad_hi[i] = random_pick(&s, few, 5) - 1;
            desc.output_padding[i] = 0;
        }
        if (desc.auto_pad != CJ_PAD_EXPLICIT || conv_from_desc(&desc, &conv) != CJ_OK)
            continue;
        conv = literal(&desc);
        if (!is_small(&conv))
            continue;
        checked++;
        if (means_the_same(&desc))
            continue;
        fprintf(stderr, "%s\n", sample_shape(&desc));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void gaps_between_rows_and_planes_stay(void **state)
{
    (void)state;
    for (int code = 0; code < 16; code++) {
        cj_conv_desc desc = with_gaps(code);
        if (!means_the_same(&desc))
            fail_msg("gaps number %d", code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_canonical_form_means_what_the_descriptor_says),
        cmocka_unit_test(dimensions_that_do_little_mean_the_same),
        cmocka_unit_test(gaps_between_rows_and_planes_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
