/* The line that tells a peer its convolution: there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/peers/call.h"

#include <string.h>

static const struct call example = {.layout = CALL_NHWC,
                                    .threads = 2,
                                    .transposed = 1,
                                    .rank = 2,
                                    .batch = 3,
                                    .groups = 2,
                                    .in_channels = 4,
                                    .out_channels = 6,
                                    .input = {5, 7},
                                    .output = {11, 8},
                                    .kernel = {3, 2},
                                    .stride = {2, 1},
                                    .dilation = {1, 2},
                                    .pad_lo = {0, 1},
                                    .pad_hi = {1, 0},
                                    .output_padding = {1, 0}};

static void a_call_reads_back_as_it_was_written(void **state)
{
    (void)state;
    char text[CALL_TEXT];
    struct call call;
    call_write(&example, text);
    assert_string_equal(text, "nhwc 2 1 2 3 2 4 6 5 7 11 8 3 2 2 1 1 2 0 1 1 0 1 0");
    assert_true(call_read(text, &call));
    assert_memory_equal(&call, &example, sizeof call);
    assert_true(call_read("own 1 0 1 1 1 1 1 5 3 3 1 1 0 0 0\n", &call));
    assert_int_equal(call.layout, CALL_OWN);
    assert_int_equal(call.kernel[0], 3);
}

static void the_largest_numbers_fit_a_line(void **state)
{
    (void)state;
    struct call big = {.threads = 1024, .transposed = 1, .rank = 3}, call;
    char text[CALL_TEXT];
    for (int64_t *at = &big.batch; at < &big.output_padding[CALL_RANK]; at++)
        *at = INT64_MAX;
    call_write(&big, text);
    assert_true(call_read(text, &call));
    assert_memory_equal(&call, &big, sizeof call);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "nchw",
        "ncdhw 1 0 1 1 1 1 1 5 3 3 1 1 0 0 0",
        "nchw 0 0 1 1 1 1 1 5 3 3 1 1 0 0 0",
        "nchw 1 0 0 1 1 1 1 5 3 3 1 1 0 0 0",
        "nchw 1 0 4 1 1 1 1 5 3 3 1 1 0 0 0",
        "nchw 1 0 1 1 1 1 1 5 3 3 1 1 0 0",
        "nchw 1 0 1 1 1 1 1 5 3 3 1 1 0 0 0 0",
        "nchw 1 0 1 1 2 3 4 5 3 3 1 1 0 0 0",
        "nchw 1 0 1 1 2 4 3 5 3 3 1 1 0 0 0",
        "nchw 1 0 1 1 1 1 1 5 3 3 0 1 0 0 0",
        "nchw 1 0 1 1 1 1 1 5 3 3 1 1 -1 0 0",
        "nchw 1 0 1 1 1 1 1 5 x 3 1 1 0 0 0",
    };
    struct call call;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (call_read(lines[i], &call))
            print_error("taken: %s\n", lines[i]);
        assert_false(call_read(lines[i], &call));
    }
}

static void elements_are_counted(void **state)
{
    (void)state;
    assert_int_equal(call_input_count(&example), 3 * 4 * 5 * 7);
    assert_int_equal(call_output_count(&example), 3 * 6 * 11 * 8);
    assert_int_equal(call_weight_count(&example), 4 * 3 * 3 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_reads_back_as_it_was_written),
        cmocka_unit_test(the_largest_numbers_fit_a_line),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(elements_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
