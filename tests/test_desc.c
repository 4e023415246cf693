/* Output sizes against counting, and the arguments of the text functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <convjit/convjit.h>

#include <string.h>

/* How many positions a kernel has on an axis, by trying them. */
static int64_t count_positions(int64_t padded, int64_t extent, int64_t stride)
{
    int64_t count = 0;
    for (int64_t at = 0; at + extent <= padded; at += stride)
        count++;
    return count;
}

static void convolutions_have_as_many_outputs_as_positions(void **state)
{
    (void)state;
    int64_t tried = 0;
    for (int64_t code = 0; code < 8 * 4 * 3 * 3 * 3; code++) {
        int64_t in = 1 + code % 8, kernel = 1 + code / 8 % 4, stride = 1 + code / 32 % 3;
        int64_t dilation = 1 + code / 96 % 3, pad = code / 288 % 3;
        int64_t expected = count_positions(in + 2 * pad + 1, dilation * (kernel - 1) + 1, stride);
        cj_conv_desc desc = {.rank = 3, .in_channels = 1, .out_channels = 1};
        for (int i = 0; i < 3; i++) { /* the axis in question is the middle one */
            desc.input[i] = i == 1 ? in : 7;
            desc.kernel[i] = i == 1 ? kernel : 1;
        }
        desc.stride[1] = stride;
        desc.dilation[1] = dilation;
        desc.pad_lo[1] = pad;
        desc.pad_hi[1] = pad + 1;
        desc.stride[2] = 2;
        int64_t output[3] = {-1, -1, -1};
        assert_int_equal(cj_output_size(&desc, output), expected > 0 ? CJ_OK : CJ_INVALID);
        if (expected <= 0)
            continue;
        assert_int_equal(output[0], 7);
        assert_int_equal(output[1], expected);
        assert_int_equal(output[2], 4);
        tried++;
    }
    assert_true(tried > 500);
}

static void each_kind_of_padding_and_rank_has_its_size(void **state)
{
    (void)state;
    static const struct {
        cj_conv_desc desc;
        int64_t output[3];
    } rows[] = {
        {{.rank = 1, .input = {10}, .kernel = {3}, .stride = {4}, .auto_pad = CJ_PAD_SAME}, {3}},
        {{.input = {10, 9}, .kernel = {3, 2}, .stride = {3, 2}, .auto_pad = CJ_PAD_SAME_LOWER}, {4, 5}},
        {{.input = {10, 9}, .kernel = {3, 2}, .auto_pad = CJ_PAD_VALID}, {8, 8}},
        {{.input = {56, 40}, .kernel = {1, 1}}, {56, 40}}, /* walked as one axis of 2240 */
        {{.rank = 3, .input = {2, 3, 4}, .kernel = {1, 1, 1}}, {2, 3, 4}},
        {{.input = {1, 40}, .kernel = {1, 3}, .input_layout = CJ_NHWC}, {1, 38}},
        {{.op = CJ_CONV_TRANSPOSE, .input = {4, 5}, .kernel = {3, 3}, .stride = {2, 2}, .pad_lo = {1, 0}},
         {8, 11}},
        {{.op = CJ_CONV_TRANSPOSE,
          .input = {4, 5},
          .kernel = {3, 3},
          .stride = {2, 2},
          .output_padding = {1, 0}},
         {10, 11}},
        {{.op = CJ_CONV_TRANSPOSE, .input = {4, 5}, .kernel = {3, 3}, .stride = {2, 2}, .output_size = {9, 12}},
         {9, 12}},
        {{.op = CJ_SEPARABLE, .input = {8, 8}, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}}, {8, 8}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_conv_desc desc = rows[i].desc;
        int64_t output[3] = {0};
        desc.in_channels = desc.out_channels = 4;
        cj_status status = cj_output_size(&desc, output);
        if (status != CJ_OK || memcmp(output, rows[i].output, sizeof output) != 0)
            fail_msg("row %zu: %s, %lld %lld %lld", i, status == CJ_OK ? "ok" : cj_last_error(),
                     (long long)output[0], (long long)output[1], (long long)output[2]);
    }
}

static void strided_layouts_do_not_matter(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 2,
                         .out_channels = 3,
                         .input = {6, 7},
                         .kernel = {3, 3},
                         .input_layout = CJ_STRIDED,
                         .input_strides = {1000, 400, 20, 2},
                         .output_layout = CJ_STRIDED,
                         .output_strides = {900, 300, 10, 1}};
    int64_t output[3];
    assert_int_equal(cj_output_size(&desc, output), CJ_OK);
    assert_int_equal(output[0], 4);
    assert_int_equal(output[1], 5);
}

static void null_arguments_are_named(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 1, .out_channels = 1, .input = {1, 1}, .kernel = {1, 1}};
    int64_t output[3], batch;
    char text[256];
    assert_int_equal(cj_output_size(NULL, output), CJ_INVALID);
    assert_string_equal(cj_last_error(), "desc is NULL");
    assert_int_equal(cj_output_size(&desc, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "output is NULL");
    assert_int_equal(cj_desc_parse(NULL, &desc, &batch), CJ_INVALID);
    assert_string_equal(cj_last_error(), "shape is NULL");
    assert_int_equal(cj_desc_parse("", NULL, &batch), CJ_INVALID);
    assert_string_equal(cj_last_error(), "desc is NULL");
    assert_int_equal(cj_desc_parse("", &desc, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "batch is NULL");
    assert_int_equal(cj_desc_print(NULL, 1, text, sizeof text), CJ_INVALID);
    assert_string_equal(cj_last_error(), "desc is NULL");
    assert_int_equal(cj_desc_print(&desc, 1, NULL, 0), CJ_INVALID);
    assert_string_equal(cj_last_error(), "text is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_have_as_many_outputs_as_positions),
        cmocka_unit_test(each_kind_of_padding_and_rank_has_its_size),
        cmocka_unit_test(strided_layouts_do_not_matter),
        cmocka_unit_test(null_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
