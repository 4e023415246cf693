/* What tensors are filled with, and when two results count as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/peers/numbers.h"

#include <math.h>
#include <stdlib.h>

static const struct call example = {.rank = 2,
                                    .batch = 2,
                                    .groups = 1,
                                    .in_channels = 3,
                                    .out_channels = 5,
                                    .input = {2, 4},
                                    .output = {4, 2},
                                    .kernel = {1, 1}};

static void numbers_are_spread_and_differ(void **state)
{
    (void)state;
    double sum = 0, squares = 0, product = 0;
    for (int i = 0; i < 4096; i++) {
        double a = value_at(i, SEED_INPUT), b = value_at(i, SEED_WEIGHT);
        assert_true(a >= -1 && a < 1 && a * 32768 == floor(a * 32768));
        sum += a;
        squares += a * a;
        product += a * b;
    }
    assert_true(fabs(sum) < 100);
    assert_true(fabs(squares - 4096 / 3.0) < 100); /* as for numbers that are alike often */
    assert_true(fabs(product) < 100);
}

/* Known to the peers in Python too: the first ones, worked out apart from the C code. */
static void numbers_are_these(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t x = ((i + UINT64_C(0x9e3779b9)) % (UINT64_C(1) << 32)) * 2654435761U % (UINT64_C(1) << 32);
        x = (x ^ x / 32768) * 2246822519U % (UINT64_C(1) << 32);
        double expected = (double)(x / 65536) / 32768 - 1;
        assert_true(value_at(i, SEED_INPUT) == expected);
    }
}

static void a_layout_moves_the_same_numbers(void **state)
{
    (void)state;
    float first[48], last[48];
    values_fill_input(&example, false, first);
    values_fill_input(&example, true, last);
    for (int n = 0; n < 2; n++)
        for (int c = 0; c < 3; c++)
            for (int pixel = 0; pixel < 8; pixel++)
                assert_true(first[(n * 3 + c) * 8 + pixel] == last[(n * 8 + pixel) * 3 + c]);
}

static void results_agree_in_either_layout(void **state)
{
    (void)state;
    float first[80], last[80];
    for (int n = 0; n < 2; n++)
        for (int c = 0; c < 5; c++)
            for (int pixel = 0; pixel < 8; pixel++)
                first[(n * 5 + c) * 8 + pixel] = last[(n * 8 + pixel) * 5 + c] =
                    (float)sin(n * 100 + c * 10 + pixel);
    struct check a = check_of_output(&example, false, first), b = check_of_output(&example, true, last);
    struct check wrong = check_of_output(&example, false, last), copy;
    char text[CHECK_TEXT];
    assert_true(check_agrees(&a, &b));
    assert_false(check_agrees(&wrong, &a));
    check_write(&a, text);
    assert_true(check_read(text, &copy));
    assert_true(check_agrees(&copy, &a));
    text[sizeof "0.6"] = '\0';
    assert_false(check_read(text, &copy));
}

static void an_error_of_a_thousandth_is_found(void **state)
{
    (void)state;
    struct check expected = {.mean = 2}, got = expected;
    got.sample[CHECK_SAMPLES - 1] = 0.0019;
    assert_true(check_agrees(&got, &expected));
    got.sample[CHECK_SAMPLES - 1] = -0.0021;
    assert_false(check_agrees(&got, &expected));
    got = expected;
    got.mean = 2.01;
    assert_false(check_agrees(&got, &expected));
    got.mean = (double)NAN;
    assert_false(check_agrees(&got, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_spread_and_differ),     cmocka_unit_test(numbers_are_these),
        cmocka_unit_test(a_layout_moves_the_same_numbers),   cmocka_unit_test(results_agree_in_either_layout),
        cmocka_unit_test(an_error_of_a_thousandth_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
