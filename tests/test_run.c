/* cj_run with a C function in the place of generated code: how the work is cut, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/kernel.h"

#include <stdalign.h>
#include <string.h>

enum { MOST_CALLS = 16, SLICE = 128 };

/* What the kernel was called with. */
struct call {
    void *dst, *scratch;
    const void *src, *weights, *bias, *extra[3];
    int64_t first, last;
};
static _Thread_local struct call calls[MOST_CALLS];
static _Thread_local int called;

static void record(void *dst, const void *src, const void *weights, const void *bias, const void *const *extra,
                   void *scratch, int64_t first_unit, int64_t last_unit)
{
    calls[called++] =
        (struct call){dst, scratch, src, weights, bias, {extra[0], extra[1], extra[2]}, first_unit, last_unit};
}

/* Runs the indices backwards on this thread, and says how many there were. */
static void backwards(void *pool, int threads, void (*task)(void *arg, int index), void *arg)
{
    *(int *)pool = threads;
    for (int i = threads - 1; i >= 0; i--)
        task(arg, i);
}

static alignas(64) unsigned char memory[MOST_CALLS * SLICE];
static double tensor[8];

static cj_kernel kernel_with(int64_t units, int64_t scratch)
{
    called = 0;
    return (cj_kernel){.entry = record,
                       .most_batch = INT64_MAX,
                       .plan = {.units = units, .scratch_bytes = scratch, .conv = {.dst.n = 1000}}};
}

static cj_tensors all_tensors(void)
{
    return (cj_tensors){.output = &tensor[0],
                        .input = &tensor[1],
                        .packed = memory,
                        .bias = &tensor[2],
                        .residual = &tensor[3],
                        .scale = &tensor[4],
                        .shift = &tensor[5],
                        .scratch = memory};
}

static void ranges_are_contiguous_even_and_have_their_own_scratch(void **state)
{
    (void)state;
    cj_tensors tensors = all_tensors();
    for (int threads = 1; threads <= MOST_CALLS; threads++) {
        for (int64_t batch = 1; batch <= 4; batch++) {
            int64_t units = 5, next = 0;
            int seen = 1, expected = threads < units * batch ? threads : (int)(units * batch);
            cj_kernel kernel = kernel_with(units, SLICE);
            cj_parallel parallel = {.threads = threads, .run = backwards, .pool = &seen};
            assert_int_equal(cj_run(&kernel, batch, &tensors, &parallel), CJ_OK);
            assert_int_equal(seen, expected);
            assert_int_equal(called, expected);
            for (int i = called - 1, worker = 0; i >= 0; i--, worker++) {
                int64_t count = calls[i].last - calls[i].first;
                assert_int_equal(calls[i].first, next);
                assert_in_range(count, units * batch / expected, units * batch / expected + 1);
                assert_ptr_equal(calls[i].scratch, memory + worker * SLICE);
                next = calls[i].last;
            }
            assert_int_equal(next, units * batch);
        }
    }
}

static void without_parallel_the_caller_runs_all_units(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(7, 0);
    cj_tensors tensors = all_tensors();
    tensors.scratch = NULL;
    assert_int_equal(cj_run(&kernel, 3, &tensors, NULL), CJ_OK);
    assert_int_equal(called, 1);
    assert_int_equal(calls[0].first, 0);
    assert_int_equal(calls[0].last, 21);
    assert_null(calls[0].scratch);
    assert_ptr_equal(calls[0].dst, tensors.output);
    assert_ptr_equal(calls[0].src, tensors.input);
    assert_ptr_equal(calls[0].weights, tensors.packed);
    assert_ptr_equal(calls[0].bias, tensors.bias);
}

static void operands_of_post_ops_come_in_their_order(void **state)
{
    (void)state;
    cj_tensors tensors = all_tensors();
    cj_kernel kernel = kernel_with(1, 0);
    struct conv *conv = &kernel.plan.conv;
    conv->posts = 3;
    conv->post[0].kind = CJ_POST_SCALE_SHIFT;
    conv->post[1].kind = CJ_POST_RELU;
    conv->post[2].kind = CJ_POST_RESIDUAL;
    assert_int_equal(cj_run(&kernel, 1, &tensors, NULL), CJ_OK);
    assert_ptr_equal(calls[0].extra[0], tensors.scale);
    assert_ptr_equal(calls[0].extra[1], tensors.shift);
    assert_ptr_equal(calls[0].extra[2], tensors.residual);
}

static void expect_invalid(const cj_kernel *kernel, int64_t batch, const cj_tensors *tensors, const char *part)
{
    assert_int_equal(cj_run(kernel, batch, tensors, NULL), CJ_INVALID);
    if (!strstr(cj_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", cj_last_error(), part);
    assert_int_equal(called, 0);
}

/* Each pointer that this kernel wants, first NULL, then one byte off. */
static void each_wrong_pointer_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t field;
    } rows[] = {
        {"tensors.output is ", offsetof(cj_tensors, output)},
        {"tensors.input is ", offsetof(cj_tensors, input)},
        {"tensors.packed is ", offsetof(cj_tensors, packed)},
        {"tensors.bias is ", offsetof(cj_tensors, bias)},
        {"tensors.residual is ", offsetof(cj_tensors, residual)},
        {"tensors.scale is ", offsetof(cj_tensors, scale)},
        {"tensors.shift is ", offsetof(cj_tensors, shift)},
        {"tensors.scratch is ", offsetof(cj_tensors, scratch)},
    };
    cj_kernel kernel = kernel_with(1, SLICE);
    kernel.plan.conv.has_bias = 1;
    kernel.plan.conv.posts = 2;
    kernel.plan.conv.post[0].kind = CJ_POST_RESIDUAL;
    kernel.plan.conv.post[1].kind = CJ_POST_SCALE_SHIFT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_tensors tensors = all_tensors();
        char *pointer;
        memset((char *)&tensors + rows[i].field, 0, sizeof(void *));
        expect_invalid(&kernel, 1, &tensors, rows[i].name);
        expect_invalid(&kernel, 1, &tensors, "is NULL");
        tensors = all_tensors();
        memcpy(&pointer, (char *)&tensors + rows[i].field, sizeof pointer);
        pointer++;
        memcpy((char *)&tensors + rows[i].field, &pointer, sizeof pointer);
        expect_invalid(&kernel, 1, &tensors, rows[i].name);
        expect_invalid(&kernel, 1, &tensors, "must be a multiple of ");
    }
    cj_tensors tensors = all_tensors();
    assert_int_equal(cj_run(&kernel, 1, &tensors, NULL), CJ_OK);
}

static void pointers_need_the_alignment_of_their_type_only(void **state)
{
    (void)state;
    cj_tensors tensors = all_tensors();
    cj_kernel kernel = kernel_with(1, 0);
    tensors.input = (const char *)tensors.input + 4;
    assert_int_equal(cj_run(&kernel, 1, &tensors, NULL), CJ_OK);
    called = 0;
    kernel.plan.conv.dtype = CJ_F64;
    expect_invalid(&kernel, 1, &tensors, "must be a multiple of 8");
}

static void what_the_convolution_does_not_ask_for_may_be_missing(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(1, 0);
    cj_tensors tensors = {.output = &tensor[0], .input = &tensor[1], .packed = memory};
    assert_int_equal(cj_run(&kernel, 1, &tensors, NULL), CJ_OK);
}

static void wrong_batches_and_arguments_are_named(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(6, 0);
    cj_tensors tensors = all_tensors();
    expect_invalid(&kernel, -1, &tensors, "batch is -1");
    expect_invalid(&kernel, INT64_MAX, &tensors, "batch is 9223372036854775807");
    expect_invalid(&kernel, INT64_MAX / 1000, &tensors, "batch is ");
    kernel.most_batch = 4;
    expect_invalid(&kernel, 5, &tensors, "batch is 5; with these output_strides images overlap beyond 4");
    expect_invalid(&kernel, 1, NULL, "tensors is NULL");
    expect_invalid(NULL, 1, &tensors, "kernel is NULL");
    assert_int_equal(cj_run(&kernel, 1, &tensors, &(cj_parallel){.threads = 0, .run = backwards}), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "parallel.threads is 0"));
    assert_int_equal(cj_run(&kernel, 1, &tensors, &(cj_parallel){.threads = 2}), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "parallel.run is NULL"));
}

static void no_images_need_no_tensors(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(6, SLICE);
    assert_int_equal(cj_run(&kernel, 0, NULL, NULL), CJ_OK);
    assert_int_equal(cj_run(&kernel, 0, &(cj_tensors){0}, NULL), CJ_OK);
    assert_int_equal(called, 0);
}

static void packing_checks_its_pointers(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(1, 0);
    static const struct {
        int64_t op;
        size_t weight, pointwise, packed; /* 0: NULL, else added to an aligned address */
        const char *part;
    } rows[] = {
        {CJ_CONV, 0, 0, 64, "weight is NULL"},          {CJ_CONV, 65, 0, 64, "weight is 0x"},
        {CJ_CONV, 64, 0, 0, "packed is NULL"},          {CJ_CONV, 64, 0, 96, "packed is 0x"},
        {CJ_CONV, 64, 64, 64, "pointwise is not NULL"}, {CJ_SEPARABLE, 64, 0, 64, "pointwise is NULL"},
        {CJ_SEPARABLE, 64, 66, 64, "pointwise is 0x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kernel.plan.conv.op = rows[i].op;
        assert_int_equal(cj_pack_weights(&kernel, rows[i].weight ? memory + rows[i].weight : NULL,
                                         rows[i].pointwise ? memory + rows[i].pointwise : NULL,
                                         rows[i].packed ? memory + rows[i].packed : NULL),
                         CJ_INVALID);
        if (!strstr(cj_last_error(), rows[i].part))
            fail_msg("\"%s\" does not say \"%s\"", cj_last_error(), rows[i].part);
    }
    assert_int_equal(cj_pack_weights(NULL, memory, NULL, memory), CJ_INVALID);
}

static void scratch_is_for_each_thread(void **state)
{
    (void)state;
    cj_kernel kernel = kernel_with(1, SLICE);
    assert_int_equal(cj_scratch_bytes(&kernel, 1), SLICE);
    assert_int_equal(cj_scratch_bytes(&kernel, 7), 7 * SLICE);
    assert_int_equal(cj_scratch_bytes(&kernel, 0), SLICE);
    kernel.plan.scratch_bytes = INT64_MAX / 2;
    assert_true(cj_scratch_bytes(&kernel, 3) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_contiguous_even_and_have_their_own_scratch),
        cmocka_unit_test(without_parallel_the_caller_runs_all_units),
        cmocka_unit_test(operands_of_post_ops_come_in_their_order),
        cmocka_unit_test(each_wrong_pointer_is_named),
        cmocka_unit_test(pointers_need_the_alignment_of_their_type_only),
        cmocka_unit_test(what_the_convolution_does_not_ask_for_may_be_missing),
        cmocka_unit_test(wrong_batches_and_arguments_are_named),
        cmocka_unit_test(no_images_need_no_tensors),
        cmocka_unit_test(packing_checks_its_pointers),
        cmocka_unit_test(scratch_is_for_each_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
