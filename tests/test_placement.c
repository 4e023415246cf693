/* What callers are told about where tensors lie, against laying them out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/context.h"
#include "support/layout.h"
#include "support/sample.h"

#include <string.h>

static const cj_conv_desc blocked_desc = {.in_channels = 20,
                                          .out_channels = 40,
                                          .input = {5, 6},
                                          .kernel = {3, 3},
                                          .input_layout = CJ_NCHWC,
                                          .output_layout = CJ_NCHWC};

/* Elements of one image, of batches of them, and the block. */
static bool is_placed(const cj_placement *placement, const struct layout *one, const struct layout *three)
{
    return placement->elements == layout_extent(one) && placement->block == one->block &&
           placement->image_step == three->stride[0] &&
           2 * placement->image_step + placement->elements == layout_extent(three);
}

static void tensors_lie_as_the_layout_says(void **state)
{
    (void)state;
    unsigned s = 51;
    cj_context context = {.host.isa = CJ_ISA_AVX512};
    for (int i = 0; i < 2000; i++) {
        cj_conv_desc desc = sample_desc(&s, 40);
        struct layout in = layout_input(&desc, 1), ins = layout_input(&desc, 3);
        struct layout out = layout_output(&desc, 1), outs = layout_output(&desc, 3);
        cj_placement input, output;
        assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_OK);
        if (!is_placed(&input, &in, &ins) || !is_placed(&output, &out, &outs))
            fail_msg("%s is placed wrongly", sample_shape(&desc));
    }
}

static void strides_with_gaps_end_behind_the_last_element(void **state)
{
    (void)state;
    cj_context context = {.host.isa = CJ_ISA_AVX2};
    cj_conv_desc desc = {.in_channels = 2,
                         .out_channels = 3,
                         .input = {4, 5},
                         .kernel = {1, 1},
                         .input_layout = CJ_STRIDED,
                         .input_strides = {1000, 100, 10, 2}};
    cj_placement input, output;
    assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_OK);
    assert_int_equal(input.block, 0);
    assert_int_equal(input.image_step, 1000);
    assert_int_equal(input.elements, 100 + 3 * 10 + 4 * 2 + 1);
    assert_int_equal(output.elements, 3 * 20);
    assert_int_equal(output.image_step, 3 * 20);
}

/* 16, 8 and 4 elements of f32 in a vector; half as many of f64. */
static void blocks_are_by_default_vectors_of_the_isa(void **state)
{
    (void)state;
    static const int64_t lanes[] = {[CJ_ISA_SSE2] = 4, [CJ_ISA_AVX2] = 8, [CJ_ISA_AVX512] = 16};
    for (int host = CJ_ISA_SSE2; host <= CJ_ISA_AVX512; host++)
        for (int cap = CJ_ISA_HOST; cap <= CJ_ISA_AVX512; cap++)
            for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++) {
                cj_context context = {.config.isa = (cj_isa)cap, .host.isa = (cj_isa)host};
                cj_conv_desc desc = blocked_desc;
                cj_placement input, output;
                int isa = cap != CJ_ISA_HOST && cap < host ? cap : host;
                desc.dtype = (cj_dtype)dtype;
                desc.output_block = 32;
                assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_OK);
                int64_t block = lanes[isa] / (dtype == CJ_F64 ? 2 : 1), blocks = (20 + block - 1) / block;
                assert_int_equal(input.block, block);
                assert_int_equal(input.elements, blocks * block * 5 * 6);
                assert_int_equal(input.image_step, input.elements);
                assert_int_equal(output.block, 32);
                assert_int_equal(output.elements, 64 * 3 * 4);
            }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    cj_context context = {.host.isa = CJ_ISA_AVX2};
    cj_conv_desc desc = blocked_desc;
    cj_placement input, output;
    assert_int_equal(cj_placement_of(&context, &desc, NULL, &output), CJ_INVALID);
    assert_string_equal(cj_last_error(), "input is NULL");
    assert_int_equal(cj_placement_of(&context, &desc, &input, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "output is NULL");
    assert_int_equal(cj_placement_of(&context, NULL, &input, &output), CJ_INVALID);
    assert_int_equal(cj_placement_of(NULL, &desc, &input, &output), CJ_INVALID);
    desc.input_block = 12;
    assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "input_block is 12; "));
    desc.input_block = 0;
    context.host.isa = CJ_ISA_HOST;
    assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_UNSUPPORTED);
}

/* Code can be emitted for it, and its tensors have blocks of its own. */
static void a_wider_isa_than_the_cpus_may_be_asked_about(void **state)
{
    (void)state;
    cj_context context = {.host.isa = CJ_ISA_SSE2};
    cj_conv_desc desc = blocked_desc;
    cj_placement input, output;
    desc.isa = CJ_ISA_AVX512;
    assert_int_equal(cj_placement_of(&context, &desc, &input, &output), CJ_OK);
    assert_int_equal(output.block, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_lie_as_the_layout_says),
        cmocka_unit_test(strides_with_gaps_end_behind_the_last_element),
        cmocka_unit_test(blocks_are_by_default_vectors_of_the_isa),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_wider_isa_than_the_cpus_may_be_asked_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
