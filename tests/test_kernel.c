/* The pipeline with a code generator that needs no compiler: what is shared, counted and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/kernel.h"
#include "support/fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, SHAPES = 6 };

static cj_conv_desc desc_of(int64_t channels)
{
    return (cj_conv_desc){.in_channels = channels, .out_channels = 8, .input = {9, 9}, .kernel = {3, 3}};
}

static cj_counters counters_of(const cj_context *context)
{
    cj_counters counters;
    cj_context_counters(context, &counters);
    return counters;
}

static void the_second_prepare_is_a_hit(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16);
    cj_kernel *first, *second;
    assert_int_equal(cj_prepare(context, &desc, &first), CJ_OK);
    assert_int_equal(counters_of(context).misses, 1);
    assert_int_equal(cj_prepare(context, &desc, &second), CJ_OK);
    assert_ptr_equal(first, second);
    cj_counters counters = counters_of(context);
    cj_kernel_stats stats;
    cj_kernel_get_stats(first, &stats);
    assert_int_equal(counters.hits, 1);
    assert_int_equal(counters.misses, 1);
    assert_int_equal(counters.compiles, 1);
    assert_int_equal(counters.kernels, 1);
    assert_true(stats.code_bytes > 0);
    assert_int_equal(counters.code_bytes, stats.code_bytes);
    assert_int_equal(counters.compile_ns, stats.compile_ns);
    cj_release(first);
    cj_release(second);
}

static void defaults_spelt_out_are_the_same_convolution(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16), spelt = desc;
    spelt.rank = 2;
    spelt.groups = 1;
    spelt.stride[0] = spelt.stride[1] = spelt.dilation[0] = spelt.dilation[1] = 1;
    cj_kernel *first, *second;
    assert_int_equal(cj_prepare(context, &desc, &first), CJ_OK);
    assert_int_equal(cj_prepare(context, &spelt, &second), CJ_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(counters_of(context).hits, 1);
    cj_release(first);
    cj_release(second);
}

/* Another request that leads to the same plan finds the kernel by its key. */
static void forcing_the_planners_choice_shares_the_kernel(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16);
    cj_kernel *first, *second;
    char name[32];
    assert_int_equal(cj_prepare(context, &desc, &first), CJ_OK);
    assert_int_equal(sscanf(cj_kernel_plan(first), "algorithm=%31s", name), 1);
    desc.algorithm = name;
    assert_int_equal(cj_prepare(context, &desc, &second), CJ_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(counters_of(context).hits, 1);
    assert_int_equal(counters_of(context).compiles, 1);
    cj_release(first);
    cj_release(second);
}

static void another_convolution_is_another_kernel(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16), other = desc;
    cj_kernel *first, *second;
    other.stride[1] = 2;
    assert_int_equal(cj_prepare(context, &desc, &first), CJ_OK);
    assert_int_equal(cj_prepare(context, &other, &second), CJ_OK);
    assert_ptr_not_equal(first, second);
    assert_string_not_equal(cj_kernel_key(first), cj_kernel_key(second));
    assert_int_equal(strspn(cj_kernel_key(first), "0123456789abcdef"), 32);
    assert_int_equal(strlen(cj_kernel_key(first)), 32);
    assert_int_equal(counters_of(context).compiles, 2);
    cj_release(first);
    cj_release(second);
}

static void a_kernel_runs_after_its_context(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    cj_context *context = fake_context();
    assert_non_null(context);
    cj_conv_desc desc = desc_of(16);
    cj_kernel *kernel;
    assert_int_equal(cj_prepare(context, &desc, &kernel), CJ_OK);
    cj_context_destroy(context);
    int64_t output[2] = {-1, -1}, input = 0;
    size_t scratch_bytes = cj_scratch_bytes(kernel, 1);
    void *packed = aligned_alloc(64, 64), *scratch = aligned_alloc(64, scratch_bytes + 64);
    cj_tensors tensors = {.output = output, .input = &input, .packed = packed, .scratch = scratch};
    assert_int_equal(cj_run(kernel, 5, &tensors, NULL), CJ_OK);
    assert_int_equal(output[0], 0);
    assert_int_equal(output[1], 5 * kernel->plan.units);
    free(packed);
    free(scratch);
    cj_release(kernel);
}

static void a_failed_compile_says_why_and_is_tried_again(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(3);
    for (int i = 0; i < 2; i++) {
        cj_kernel *kernel = (cj_kernel *)&kernel;
        assert_int_equal(cj_prepare(context, &desc, &kernel), CJ_COMPILE);
        assert_string_equal(cj_last_error(), "ic is 3; this generator cannot count that far");
        assert_null(kernel);
    }
    cj_counters counters = counters_of(context);
    assert_int_equal(counters.misses, 2);
    assert_int_equal(counters.compiles, 0);
    assert_int_equal(counters.kernels, 0);
    assert_int_equal(counters.code_bytes, 0);
}

static void without_code_generator_only_hits_are_served(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16), other = desc_of(17);
    cj_kernel *kernel;
    assert_int_equal(cj_prepare(context, &desc, &kernel), CJ_OK);
    cj_release(kernel);
    context->door.plugin = NULL;
    context->door.path = "/nowhere/at/all.so";
    assert_int_equal(cj_prepare(context, &other, &kernel), CJ_NO_CODEGEN);
    assert_non_null(strstr(cj_last_error(), "/nowhere/at/all.so"));
    assert_int_equal(cj_prepare(context, &desc, &kernel), CJ_OK);
    cj_release(kernel);
}

struct worker {
    pthread_t thread;
    cj_context *context;
    int number, failures;
    cj_kernel *kernels[SHAPES];
};

static void *prepare_all(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < SHAPES; i++) {
        int shape = (i + w->number) % SHAPES;
        cj_conv_desc desc = desc_of(16 + shape);
        w->failures += cj_prepare(w->context, &desc, &w->kernels[shape]) != CJ_OK;
    }
    return NULL;
}

static void threads_share_one_compile_of_each_shape(void **state)
{
    cj_context *context = *state;
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.context = context, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, prepare_all, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    cj_counters counters = counters_of(context);
    assert_int_equal(counters.compiles, SHAPES);
    assert_int_equal(counters.hits + counters.misses, THREADS * SHAPES);
    assert_true(counters.misses >= SHAPES);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].failures, 0);
        for (int shape = 0; shape < SHAPES; shape++) {
            assert_ptr_equal(workers[i].kernels[shape], workers[0].kernels[shape]);
            assert_int_equal(workers[i].kernels[shape]->plan.conv.ic, 16 + shape);
        }
    }
    for (int i = 0; i < THREADS * SHAPES; i++)
        cj_release(workers[i / SHAPES].kernels[i % SHAPES]);
}

static void wrong_arguments_are_named(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_of(16);
    cj_kernel *kernel;
    assert_int_equal(cj_prepare(NULL, &desc, &kernel), CJ_INVALID);
    assert_string_equal(cj_last_error(), "context is NULL");
    assert_int_equal(cj_prepare(context, NULL, &kernel), CJ_INVALID);
    assert_string_equal(cj_last_error(), "desc is NULL");
    assert_int_equal(cj_prepare(context, &desc, NULL), CJ_INVALID);
    assert_string_equal(cj_last_error(), "kernel is NULL");
    desc.kernel[0] = 10;
    assert_int_equal(cj_prepare(context, &desc, &kernel), CJ_INVALID);
    assert_null(kernel);
    assert_int_equal(counters_of(context).misses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_second_prepare_is_a_hit, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(defaults_spelt_out_are_the_same_convolution, set_up_fake,
                                        tear_down_fake),
        cmocka_unit_test_setup_teardown(forcing_the_planners_choice_shares_the_kernel, set_up_fake,
                                        tear_down_fake),
        cmocka_unit_test_setup_teardown(another_convolution_is_another_kernel, set_up_fake, tear_down_fake),
        cmocka_unit_test(a_kernel_runs_after_its_context),
        cmocka_unit_test_setup_teardown(a_failed_compile_says_why_and_is_tried_again, set_up_fake,
                                        tear_down_fake),
        cmocka_unit_test_setup_teardown(without_code_generator_only_hits_are_served, set_up_fake,
                                        tear_down_fake),
        cmocka_unit_test_setup_teardown(threads_share_one_compile_of_each_shape, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_named, set_up_fake, tear_down_fake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
