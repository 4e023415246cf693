/* The twelve functional calls: what each name fixes in a descriptor, and that a call runs its kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/context.h"
#include "../runtime/kernel.h"
#include "support/fixture.h"

#include <stdbool.h>
#include <string.h>

typedef cj_status functional(cj_context *, const cj_conv_desc *, int64_t, const cj_tensors *,
                             const cj_parallel *);

static const struct row {
    functional *function;
    const char *name;
    cj_op op;
    int rank;
    bool depthwise;
} rows[] = {
    {cj_conv1d, "cj_conv1d", CJ_CONV, 1, false},
    {cj_conv2d, "cj_conv2d", CJ_CONV, 2, false},
    {cj_conv3d, "cj_conv3d", CJ_CONV, 3, false},
    {cj_conv_transpose1d, "cj_conv_transpose1d", CJ_CONV_TRANSPOSE, 1, false},
    {cj_conv_transpose2d, "cj_conv_transpose2d", CJ_CONV_TRANSPOSE, 2, false},
    {cj_conv_transpose3d, "cj_conv_transpose3d", CJ_CONV_TRANSPOSE, 3, false},
    {cj_depthwise_conv1d, "cj_depthwise_conv1d", CJ_CONV, 1, true},
    {cj_depthwise_conv2d, "cj_depthwise_conv2d", CJ_CONV, 2, true},
    {cj_depthwise_conv3d, "cj_depthwise_conv3d", CJ_CONV, 3, true},
    {cj_separable_conv1d, "cj_separable_conv1d", CJ_SEPARABLE, 1, false},
    {cj_separable_conv2d, "cj_separable_conv2d", CJ_SEPARABLE, 2, false},
    {cj_separable_conv3d, "cj_separable_conv3d", CJ_SEPARABLE, 3, false},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Room for the tensors of the descriptors below. */
static double output[4096], input[4096], weight[4096], pointwise[4096];

static cj_conv_desc desc_for(const struct row *row)
{
    cj_conv_desc desc = {.in_channels = 4, .out_channels = row->depthwise ? 0 : 8};
    for (int i = 0; i < row->rank; i++) {
        desc.input[i] = 6;
        desc.kernel[i] = 3;
    }
    return desc;
}

static cj_tensors tensors_for(const struct row *row)
{
    return (cj_tensors){.output = output,
                        .input = input,
                        .weight = weight,
                        .pointwise = row->op == CJ_SEPARABLE ? pointwise : NULL};
}

/* The kernel that the same convolution has when it is spelt out, its weights packed in each call. */
static cj_kernel *spelt_out(cj_context *context, const struct row *row)
{
    cj_conv_desc desc = desc_for(row);
    cj_kernel *kernel;
    desc.op = row->op;
    desc.rank = row->rank;
    if (row->depthwise)
        desc.groups = desc.out_channels = desc.in_channels;
    assert_int_equal(kernel_find(context, &desc, PACKED_EACH_CALL, &kernel), CJ_OK);
    return kernel;
}

static void each_call_runs_the_kernel_of_its_name(void **state)
{
#if !defined(__x86_64__)
    skip();
#endif
    cj_context *context = *state;
    for (int i = 0; i < ROWS; i++) {
        cj_conv_desc desc = desc_for(&rows[i]);
        cj_tensors tensors = tensors_for(&rows[i]);
        cj_kernel *kernel = spelt_out(context, &rows[i]);
        int64_t range[2];
        cj_counters before, after;
        cj_context_counters(context, &before);
        assert_int_equal(rows[i].function(context, &desc, 3, &tensors, NULL), CJ_OK);
        cj_context_counters(context, &after);
        assert_int_equal(after.hits, before.hits + 1);
        assert_int_equal(after.misses, before.misses);
        assert_int_equal(kernel->holders, 3); /* this test and two tables: the call let go of its own */
        memcpy(range, output, sizeof range);
        assert_int_equal(range[0], 0);
        assert_int_equal(range[1], 3 * kernel->plan.units);
        cj_release(kernel);
    }
}

static void op_and_rank_must_agree_with_the_name(void **state)
{
    cj_context *context = *state;
    for (int i = 0; i < ROWS; i++) {
        cj_conv_desc desc = desc_for(&rows[i]);
        cj_tensors tensors = tensors_for(&rows[i]);
        desc.rank = rows[i].rank % 3 + 1;
        assert_int_equal(rows[i].function(context, &desc, 1, &tensors, NULL), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "rank is "));
        assert_non_null(strstr(cj_last_error(), rows[i].name));
        desc.rank = rows[i].rank;
        desc.op = rows[i].op == CJ_SEPARABLE ? CJ_CONV_TRANSPOSE : CJ_SEPARABLE;
        assert_int_equal(rows[i].function(context, &desc, 1, &tensors, NULL), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "op is "));
        assert_non_null(strstr(cj_last_error(), rows[i].name));
        desc.op = rows[i].op;
        assert_int_equal(rows[i].function(context, &desc, 1, &tensors, NULL), CJ_OK);
    }
}

static void packed_and_scratch_of_the_caller_are_ignored(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_for(&rows[1]);
    cj_tensors tensors = tensors_for(&rows[1]);
    tensors.packed = tensors.scratch = (char *)output + 1;
    assert_int_equal(cj_conv2d(context, &desc, 1, &tensors, NULL), CJ_OK);
}

static void wrong_arguments_are_named(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_for(&rows[1]);
    cj_tensors good = tensors_for(&rows[1]), bad = good;
    assert_int_equal(cj_conv2d(NULL, &desc, 1, &good, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "context is NULL");
    assert_int_equal(cj_conv2d(context, NULL, 1, &good, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "desc is NULL");
    assert_int_equal(cj_conv2d(context, &desc, 1, NULL, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "tensors is NULL");
    assert_int_equal(cj_conv2d(context, &desc, -2, &good, NULL), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "batch is -2"));
    assert_int_equal(cj_conv2d(context, &desc, 1, &good, &(cj_parallel){.threads = -1}), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "parallel.threads is -1"));
    bad.weight = NULL;
    assert_int_equal(cj_conv2d(context, &desc, 1, &bad, NULL), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "weight is NULL"));
    bad = good;
    bad.input = NULL;
    assert_int_equal(cj_conv2d(context, &desc, 1, &bad, NULL), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "tensors.input is NULL"));
    desc.bias = 1;
    assert_int_equal(cj_conv2d(context, &desc, 1, &good, NULL), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "tensors.bias is NULL"));
}

static void no_images_need_no_tensors_but_a_right_descriptor(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_for(&rows[1]);
    assert_int_equal(cj_conv2d(context, &desc, 0, NULL, NULL), CJ_OK);
    assert_int_equal(cj_conv2d(context, &desc, 0, &(cj_tensors){0}, NULL), CJ_OK);
    desc.kernel[0] = -1;
    assert_int_equal(cj_conv2d(context, &desc, 0, NULL, NULL), CJ_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_call_runs_the_kernel_of_its_name, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(op_and_rank_must_agree_with_the_name, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(packed_and_scratch_of_the_caller_are_ignored, set_up_fake,
                                        tear_down_fake),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_named, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(no_images_need_no_tensors_but_a_right_descriptor, set_up_fake,
                                        tear_down_fake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
