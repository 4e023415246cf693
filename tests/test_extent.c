/* How large and how much work a convolution is, by counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"
#include "support/layout.h"
#include "support/sample.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Pairs of an output and a tap along an axis with an element to multiply: any, where padding repeats the input.
 */
static double count_pairs(const struct conv *conv, const struct axis *x)
{
    double pairs = 0;
    for (int64_t o = 0; o < x->out; o++)
        for (int64_t k = 0; k < x->kernel; k++)
            for (int64_t i = 0; i < x->in; i++)
                pairs += conv->op == CJ_CONV_TRANSPOSE ? i * x->stride + k * x->dilation - x->pad_lo == o
                                                       : o * x->stride + k * x->dilation - x->pad_lo == i;
    return conv->pad_mode == CJ_PAD_ZEROS ? pairs : (double)x->out * (double)x->kernel;
}

static double count_flops(const cj_conv_desc *d, const struct conv *conv)
{
    double pairs = 1, pixels = 1, groups = d->groups ? (double)d->groups : 1;
    double ic = (double)d->in_channels, oc = (double)d->out_channels;
    for (int a = 0; a < AXES; a++) {
        pairs *= count_pairs(conv, &conv->axis[a]);
        pixels *= (double)conv->axis[a].out;
    }
    if (d->op != CJ_SEPARABLE)
        return 2 * pairs * oc * ic / groups;
    double mid = ic * (double)(d->multiplier ? d->multiplier : 1);
    return 2 * pairs * mid + 2 * pixels * mid * oc;
}

static void work_is_two_operations_a_product(void **state)
{
    (void)state;
    unsigned s = 3;
    int wrong = 0;
    for (int i = 0; i < 3000 && wrong < 5; i++) {
        cj_conv_desc desc = sample_desc(&s, 20);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        double expected = count_flops(&desc, &conv);
        if (conv_flops(&conv) == expected)
            continue;
        fprintf(stderr, "%s: %.17g instead of %.17g\n", sample_shape(&desc), conv_flops(&conv), expected);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static bool means_are_right(const cj_conv_desc *desc, const struct conv *conv)
{
    for (int a = 0; a < AXES; a++) {
        double expected = count_pairs(conv, &conv->axis[a]) / (double)conv->axis[a].out;
        if (conv_mean_taps(conv, a) == expected)
            continue;
        fprintf(stderr, "%s: %.17g taps along axis %d instead of %.17g\n", sample_shape(desc),
                conv_mean_taps(conv, a), a, expected);
        return false;
    }
    return true;
}

static void outputs_at_the_border_have_fewer_taps(void **state)
{
    (void)state;
    unsigned s = 5;
    int wrong = 0;
    for (int i = 0; i < 1000 && wrong < 5; i++) {
        cj_conv_desc desc = sample_desc(&s, 20);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        wrong += !means_are_right(&desc, &conv);
    }
    assert_int_equal(wrong, 0);
}

/* 2 * 64 * 64 * 9 * 56 * 56 products, less those that the border of zeros leaves out. */
static void work_of_a_known_layer(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 64,
                         .out_channels = 64,
                         .input = {56, 56},
                         .kernel = {3, 3},
                         .pad_lo = {1, 1},
                         .pad_hi = {1, 1}};
    struct conv conv;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_true(conv_flops(&conv) == 2.0 * 64 * 64 * (3 * 56 - 2) * (3 * 56 - 2));
}

/* Behind the highest element of one image, by visiting all. */
static int64_t count_extent(const struct layout *layout)
{
    int64_t end = 0;
    for (int64_t i = 0; i < layout_count(layout); i++)
        end = layout_place(layout, i) + 1 > end ? layout_place(layout, i) + 1 : end;
    return end;
}

/* What pads a block belongs to the output, which has it written, and not to the input. */
static void extents_end_behind_the_highest_element(void **state)
{
    (void)state;
    unsigned s = 4;
    for (int i = 0; i < 300; i++) {
        cj_conv_desc desc = sample_desc(&s, 8);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        struct layout input = layout_input(&desc, 1), output = layout_output(&desc, 1);
        assert_int_equal(conv_src_extent(&conv), count_extent(&input));
        assert_int_equal(conv_dst_extent(&conv), layout_extent(&output));
    }
}

static void extents_include_gaps_and_not_what_is_broadcast(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 3,
                         .out_channels = 2,
                         .input = {4, 5},
                         .kernel = {2, 2},
                         .input_layout = CJ_STRIDED,
                         .output_layout = CJ_STRIDED,
                         .input_strides = {100, 0, 8, 1},
                         .output_strides = {100, 1, 20, 3}};
    struct conv conv; /* outputs are 3 x 4 */
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_int_equal(conv_src_extent(&conv), 3 * 8 + 4 + 1);
    assert_int_equal(conv_dst_extent(&conv), 1 + 2 * 20 + 3 * 3 + 1);
}

/* Whether two elements of a batch have the same offset, by marking every one. */
static bool batch_overlaps(const struct conv *conv, int64_t batch)
{
    static unsigned char marks[4096];
    memset(marks, 0, sizeof marks);
    bool twice = false;
    for (int64_t n = 0; n < batch; n++)
        for (int64_t c = 0; c < conv->oc; c++)
            for (int64_t h = 0; h < conv->axis[AXIS_H].out; h++)
                for (int64_t w = 0; w < conv->axis[AXIS_W].out; w++)
                    twice |= marks[n * conv->dst.n + c * conv->dst.c + h * conv->dst.axis[AXIS_H] +
                                   w * conv->dst.axis[AXIS_W]]++ > 0;
    return twice;
}

static void the_largest_batch_is_the_last_without_overlap(void **state)
{
    (void)state;
    /* n innermost, between channels and columns, between columns and rows, outermost. */
    static const int64_t strides[][4] = {{1, 7, 21, 105}, {3, 1, 20, 100}, {50, 1, 3, 200}, {30, 15, 5, 1}};
    static const int64_t most[] = {7, 6, 4, INT64_MAX};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        cj_conv_desc desc = {.in_channels = 1,
                             .out_channels = i == 3 ? 2 : 3,
                             .input = {3, 5},
                             .kernel = {1, 1},
                             .output_layout = CJ_STRIDED};
        memcpy(desc.output_strides, strides[i], sizeof strides[i]);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        assert_int_equal(conv_most_batch(&conv), most[i]);
        assert_false(batch_overlaps(&conv, most[i] < 20 ? most[i] : 20));
        assert_true(most[i] == INT64_MAX || batch_overlaps(&conv, most[i] + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_two_operations_a_product),
        cmocka_unit_test(work_of_a_known_layer),
        cmocka_unit_test(outputs_at_the_border_have_fewer_taps),
        cmocka_unit_test(extents_end_behind_the_highest_element),
        cmocka_unit_test(extents_include_gaps_and_not_what_is_broadcast),
        cmocka_unit_test(the_largest_batch_is_the_last_without_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
