/* What conv_from_desc derives: output sizes, automatic padding, strides; and that nothing overflows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"
#include "support/random.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A convolution of one axis, numbered by the digits of `code`: input, kernel, stride, dilation, padding. */
enum { CODES = 9 * 4 * 4 * 3 * 3 * 3 };

static cj_conv_desc numbered(cj_op op, int64_t code)
{
    cj_conv_desc desc = {.op = op, .rank = 1, .in_channels = 1, .out_channels = 1};
    desc.input[0] = 1 + code % 9;
    desc.kernel[0] = 1 + code / 9 % 4;
    desc.stride[0] = 1 + code / 36 % 4;
    desc.dilation[0] = 1 + code / 144 % 3;
    desc.pad_lo[0] = code / 432 % 3;
    desc.pad_hi[0] = code / 1296 % 3;
    return desc;
}

/* The size of a transposed convolution's output: behind the last place where any product lands. */
static int64_t count_transposed(const cj_conv_desc *d)
{
    int64_t end = 0;
    for (int64_t i = 0; i < d->input[0]; i++)
        for (int64_t k = 0; k < d->kernel[0]; k++) {
            int64_t at = i * d->stride[0] + k * d->dilation[0];
            end = at + 1 > end ? at + 1 : end;
        }
    return end - d->pad_lo[0] - d->pad_hi[0];
}

static void a_transposed_output_ends_behind_its_last_product(void **state)
{
    (void)state;
    for (int64_t code = 0; code < CODES; code++) {
        cj_conv_desc desc = numbered(CJ_CONV_TRANSPOSE, code);
        int64_t most = desc.stride[0] > desc.dilation[0] ? desc.stride[0] : desc.dilation[0];
        for (int64_t extra = 0; extra <= most; extra++) {
            int64_t out[3], expected = count_transposed(&desc) + extra;
            desc.output_padding[0] = extra;
            bool correct = expected >= 1 && (extra < most || extra == 0);
            assert_int_equal(conv_output(&desc, out), correct ? CJ_OK : CJ_INVALID);
            if (correct)
                assert_int_equal(out[0], expected);
        }
    }
}

/* output_size can be had where some output_padding gives it. */
static void output_size_takes_what_output_padding_could_give(void **state)
{
    (void)state;
    for (int64_t code = 0; code < CODES; code += 5) {
        cj_conv_desc desc = numbered(CJ_CONV_TRANSPOSE, code);
        int64_t most = desc.stride[0] > desc.dilation[0] ? desc.stride[0] : desc.dilation[0];
        int64_t least = count_transposed(&desc);
        for (int64_t size = 1; size < least + most + 2; size++) {
            int64_t out[3];
            desc.output_size[0] = size;
            bool correct = size >= least && size < least + most;
            assert_int_equal(conv_output(&desc, out), correct ? CJ_OK : CJ_INVALID);
            if (correct)
                assert_int_equal(out[0], size);
            else
                assert_non_null(strstr(cj_last_error(), "output_size[0] is "));
        }
    }
}

static void output_size_and_output_padding_exclude_each_other(void **state)
{
    (void)state;
    cj_conv_desc desc = numbered(CJ_CONV_TRANSPOSE, 36 + 4);
    int64_t out[3];
    desc.output_padding[0] = 1;
    assert_int_equal(conv_output(&desc, out), CJ_OK);
    desc.output_size[0] = out[0];
    assert_int_equal(conv_output(&desc, out), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "output_padding[0] is 1"));
    desc.output_padding[0] = 0;
    assert_int_equal(conv_output(&desc, out), CJ_OK);
}

static int64_t needed(const struct axis *axis)
{
    return (axis->out - 1) * axis->stride + (axis->kernel - 1) * axis->dilation + 1 - axis->in;
}

/* SAME: as many outputs as strides begin in the input, with no more padding than they need, halved; the odd
 * element goes behind, or in front for SAME_LOWER. */
static void same_padding_is_what_is_needed_halved(void **state)
{
    (void)state;
    for (int64_t code = 0; code < 432; code++)
        for (int lower = 0; lower < 2; lower++) {
            cj_conv_desc desc = numbered(CJ_CONV, code);
            struct conv conv;
            int64_t out[3], starts = 0, total;
            desc.auto_pad = lower ? CJ_PAD_SAME_LOWER : CJ_PAD_SAME;
            for (int64_t at = 0; at < desc.input[0]; at += desc.stride[0])
                starts++;
            assert_int_equal(conv_output(&desc, out), CJ_OK);
            assert_int_equal(out[0], starts);
            desc.in_channels = 2; /* keeps the axis apart from the idle ones */
            assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
            struct axis axis = {.in = desc.input[0],
                                .out = starts,
                                .kernel = desc.kernel[0],
                                .stride = desc.stride[0],
                                .dilation = desc.dilation[0]};
            total = needed(&axis) > 0 ? needed(&axis) : 0;
            assert_int_equal(conv.axis[AXIS_W].pad_lo, lower ? (total + 1) / 2 : total / 2);
            assert_int_equal(conv.axis[AXIS_W].pad_hi, lower ? total / 2 : (total + 1) / 2);
        }
}

static void valid_padding_is_none(void **state)
{
    (void)state;
    for (int64_t code = 0; code < 432; code++) {
        cj_conv_desc automatic = numbered(CJ_CONV, code), none = automatic;
        int64_t out[3], expected[3];
        automatic.auto_pad = CJ_PAD_VALID;
        assert_int_equal(conv_output(&automatic, out), conv_output(&none, expected));
        if (conv_output(&none, expected) == CJ_OK)
            assert_int_equal(out[0], expected[0]);
    }
}

static void automatic_padding_takes_none_of_its_own(void **state)
{
    (void)state;
    for (int kind = CJ_PAD_SAME; kind <= CJ_PAD_VALID; kind++)
        for (int behind = 0; behind < 2; behind++) {
            cj_conv_desc desc = numbered(CJ_CONV, 8);
            int64_t out[3];
            desc.auto_pad = (cj_auto_pad)kind;
            (behind ? desc.pad_hi : desc.pad_lo)[0] = 2;
            assert_int_equal(conv_output(&desc, out), CJ_INVALID);
            assert_non_null(strstr(cj_last_error(), behind ? "pad_hi[0] is 2" : "pad_lo[0] is 2"));
        }
}

/* ---- Strides ---- */

static void dense_layouts_have_their_strides(void **state)
{
    (void)state;
    cj_conv_desc desc = {.rank = 3,
                         .in_channels = 5,
                         .out_channels = 7,
                         .input = {3, 4, 6},
                         .kernel = {2, 2, 2},
                         .output_layout = CJ_NHWC};
    struct conv conv; /* the output is 2 x 3 x 5 */
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_memory_equal(&conv.src, &((struct strides){.n = 5 * 72, .c = 72, .axis = {24, 6, 1}}),
                        sizeof conv.src);
    assert_memory_equal(&conv.dst, &((struct strides){.n = 7 * 30, .c = 1, .axis = {7 * 15, 7 * 5, 7}}),
                        sizeof conv.dst);
    desc.input_layout = CJ_NHWC;
    desc.output_layout = CJ_NCHW;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_memory_equal(&conv.src, &((struct strides){.n = 5 * 72, .c = 1, .axis = {5 * 24, 5 * 6, 5}}),
                        sizeof conv.src);
    assert_memory_equal(&conv.dst, &((struct strides){.n = 7 * 30, .c = 30, .axis = {15, 5, 1}}),
                        sizeof conv.dst);
}

/* 2 images of 2 channels of 2 x 3. */
static bool elements_overlap(const int64_t strides[4])
{
    static const int64_t sizes[] = {2, 2, 2, 3};
    bool seen[2000] = {false}, overlap = false;
    for (int64_t i = 0; i < 24; i++) {
        int64_t at = 0, rest = i;
        for (int k = 3; k >= 0; rest /= sizes[k--])
            at += rest % sizes[k] * strides[k];
        overlap |= seen[at];
        seen[at] = true;
    }
    return overlap;
}

static void outputs_never_overlap(void **state)
{
    (void)state;
    int taken = 0;
    for (int64_t code = 0; code < 15 * 15 * 15 * 15; code++) {
        const int64_t strides[] = {code / 3375, code / 225 % 15, code / 15 % 15, code % 15};
        cj_conv_desc desc = {.in_channels = 1,
                             .out_channels = 2,
                             .input = {2, 3},
                             .kernel = {1, 1},
                             .output_layout = CJ_STRIDED};
        struct conv conv;
        memcpy(desc.output_strides, strides, sizeof strides);
        if (conv_from_desc(&desc, &conv) == CJ_OK)
            assert_false(elements_overlap(strides));
        else
            assert_ptr_equal(strstr(cj_last_error(), "output_strides["), cj_last_error());
        taken += conv_from_desc(&desc, &conv) == CJ_OK;
    }
    assert_true(taken > 100);
}

/* Any order of the dimensions, with any gaps between them, is taken as it is. */
static void every_order_of_dimensions_is_taken(void **state)
{
    (void)state;
    static const int64_t sizes[] = {2, 2, 2, 3};
    for (int code = 0; code < 256; code++) {
        int order[4] = {code % 4, code / 4 % 4, code / 16 % 4, code / 64};
        bool used[4] = {false}, twice = false;
        int64_t strides[4] = {0}, step = 1;
        for (int i = 0; i < 4; i++) {
            twice |= used[order[i]];
            used[order[i]] = true;
            strides[order[i]] = step;
            step = step * sizes[order[i]] + i;
        }
        cj_conv_desc desc = {.in_channels = 2,
                             .out_channels = 2,
                             .input = {2, 3},
                             .kernel = {2, 2},
                             .pad_lo = {1, 1},
                             .input_layout = CJ_STRIDED,
                             .output_layout = CJ_STRIDED};
        struct conv conv;
        if (twice)
            continue;
        memcpy(desc.output_strides, strides, sizeof strides);
        memcpy(desc.input_strides, strides, sizeof strides);
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        struct strides expected = {.n = strides[0], .c = strides[1], .axis = {0, strides[2], strides[3]}};
        assert_memory_equal(&conv.dst, &expected, sizeof expected);
        assert_memory_equal(&conv.src, &expected, sizeof expected);
    }
}

static void an_input_may_broadcast_and_an_output_may_not(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        cj_conv_desc desc = {.in_channels = 2,
                             .out_channels = 2,
                             .input = {2, 3},
                             .kernel = {1, 1},
                             .input_layout = CJ_STRIDED,
                             .output_layout = CJ_STRIDED,
                             .input_strides = {12, 6, 3, 1},
                             .output_strides = {12, 6, 3, 1}};
        struct conv conv;
        char text[40];
        desc.input_strides[i] = 0;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        desc.output_strides[i] = 0;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_INVALID);
        snprintf(text, sizeof text, "output_strides[%d] is 0;", i);
        assert_ptr_equal(strstr(cj_last_error(), text), cj_last_error());
    }
}

/* ---- Sizes that do not fit ---- */

static int64_t pick_size(unsigned *s)
{
    int64_t size = (int64_t)1 << RANDOM_PICK(s, 0, 0, 0, 1, 3, 10, 20, 29, 30, 31, 32, 40, 50, 58, 59, 60);
    return size + (size < (int64_t)1 << 60 ? RANDOM_PICK(s, -1, 0, 0, 1) : 0);
}

static int64_t pick_or_zero(unsigned *s)
{
    return random_next(s) % 3 ? 0 : pick_size(s);
}

static cj_conv_desc pick_huge(unsigned *s)
{
    cj_conv_desc d = {.op = (cj_op)(random_next(s) % 3),
                      .rank = 1 + (int)(random_next(s) % 3),
                      .dtype = (cj_dtype)(random_next(s) % 2),
                      .in_channels = pick_size(s),
                      .out_channels = pick_size(s),
                      .auto_pad = (cj_auto_pad)RANDOM_PICK(s, 0, 0, 0, 1, 2, 3),
                      .input_layout = (cj_layout)(random_next(s) % 3),
                      .output_layout = (cj_layout)(random_next(s) % 2)};
    if (d.op == CJ_SEPARABLE)
        d.multiplier = pick_or_zero(s);
    for (int i = 0; i < d.rank; i++) {
        d.input[i] = pick_size(s);
        d.kernel[i] = pick_size(s);
        d.stride[i] = pick_or_zero(s);
        d.dilation[i] = pick_or_zero(s);
        d.pad_lo[i] = d.auto_pad ? 0 : pick_or_zero(s);
        d.pad_hi[i] = d.auto_pad ? 0 : pick_or_zero(s);
        d.output_padding[i] = d.op == CJ_CONV_TRANSPOSE ? pick_or_zero(s) : 0;
    }
    for (int i = 0; i < d.rank + 2; i++)
        d.input_strides[i] = pick_or_zero(s);
    return d;
}

/* Elements that an index of `size` steps of `stride` reaches over, in more bits. */
static __int128 reach(int64_t size, int64_t stride)
{
    return (__int128)(size - 1) * stride;
}

/* The promise of conv.h: every offset within one image, padded or not, fits in 62 bits. In bytes, at that. */
static bool offsets_fit(const struct conv *conv)
{
    __int128 src = reach(conv->ic, conv->src.c), dst = reach(conv->oc, conv->dst.c);
    __int128 weights = conv->mid ? conv->mid : (__int128)(conv->ic / conv->groups) * conv->oc;
    __int128 pointwise = (__int128)conv->mid * conv->oc;
    for (int a = 0; a < AXES; a++) {
        const struct axis *x = &conv->axis[a];
        int64_t around = conv->op == CJ_CONV_TRANSPOSE ? 2 * ((x->kernel - 1) * x->dilation / x->stride)
                                                       : x->pad_lo + x->pad_hi;
        src += reach(x->in + around, conv->src.axis[a]);
        dst += reach(x->out, conv->dst.axis[a]);
    }
    for (int a = 0; a < AXES; a++)
        weights = weights > (__int128)1 << 62 ? weights : weights * conv->axis[a].kernel;
    __int128 most = (__int128)1 << (conv->dtype == CJ_F64 ? 59 : 60);
    return src < most && dst < most && weights < most && pointwise < most;
}

/* Run with -fsanitize=undefined this also finds sums that overflow on the way. */
static void huge_sizes_are_refused_before_they_overflow(void **state)
{
    (void)state;
    unsigned s = 1;
    int taken = 0;
    for (int i = 0; i < 300000; i++) {
        cj_conv_desc desc = pick_huge(&s);
        struct conv conv;
        if (conv_from_desc(&desc, &conv) != CJ_OK) {
            assert_true(cj_last_error()[0] != 0);
            continue;
        }
        taken++;
        char shape[400] = "strided";
        if (!offsets_fit(&conv))
            cj_desc_print(&desc, 1, shape, sizeof shape), fprintf(stderr, "%s\n", shape);
        assert_true(offsets_fit(&conv));
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transposed_output_ends_behind_its_last_product),
        cmocka_unit_test(output_size_takes_what_output_padding_could_give),
        cmocka_unit_test(output_size_and_output_padding_exclude_each_other),
        cmocka_unit_test(same_padding_is_what_is_needed_halved),
        cmocka_unit_test(valid_padding_is_none),
        cmocka_unit_test(automatic_padding_takes_none_of_its_own),
        cmocka_unit_test(dense_layouts_have_their_strides),
        cmocka_unit_test(outputs_never_overlap),
        cmocka_unit_test(every_order_of_dimensions_is_taken),
        cmocka_unit_test(an_input_may_broadcast_and_an_output_may_not),
        cmocka_unit_test(huge_sizes_are_refused_before_they_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
