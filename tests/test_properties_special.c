/* label: full */
/* How accurate strict and fast are, and that NaN and infinity in the input reach the outputs whose window holds
 * them, and no other: for each algorithm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/property.h"
#include "support/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithms[] = {
    NULL,
#define ALGO(name) #name,
#include "../src/algos.inc"
#undef ALGO
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };
static const enum guard_side sides[] = {GUARD_BEHIND, GUARD_BEHIND};

/* Each algorithm that takes it, against the oracle. */
static bool each_algorithm(cj_context *context, struct check *check)
{
    cj_conv_desc d = *check->problem.desc;
    bool right = true;
    for (int i = 0; i < ALGORITHMS && right; i++) {
        d.algorithm = algorithms[i];
        right = check_kernel(context, check, &d, sides) != CHECK_DIFFERENT;
    }
    return right;
}

static bool both_are_near(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_desc(op, &seed);
    struct check check = check_open(&d, 1, seed);
    d.accuracy = CJ_STRICT;
    bool right = each_algorithm(context, &check);
    d.accuracy = CJ_FAST;
    right = right && each_algorithm(context, &check);
    check_close(&check);
    return right;
}

/* Whole numbers leave no room for an error. */
static bool strict_is_exact(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_linear(op, false, &seed);
    struct check check = check_open(&d, 1, seed);
    problem_make_whole(&check.problem, 3, seed);
    check_ask(&check);
    bool right = true;
    for (int i = 0; i < ALGORITHMS && right; i++) {
        d.algorithm = algorithms[i];
        if (check_kernel(context, &check, &d, sides) == CHECK_DECLINED)
            continue;
        for (int64_t k = 0; k < check.problem.count[OUTPUT]; k++)
            check.problem.value[OUTPUT][k] += 0.0; /* minus zero is zero */
        right = check_bits(&check.problem, check.problem.value[OUTPUT], check.want, "strict");
    }
    check_close(&check);
    return right;
}

static void accuracy(void **state)
{
    (void)state;
    assert_int_equal(property_try(both_are_near, 0, SWEEP_OPS - 1), 0);
    assert_int_equal(property_try(strict_is_exact, 0, SWEEP_OPS - 1), 0);
}

/* One or two elements of the input are no ordinary numbers. The oracle adds only what lies in the window. */
static bool they_stay_in_their_windows(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    cj_conv_desc d = property_linear(op, false, &seed); /* strict: a transformed tile spreads them */
    struct check check = check_open(&d, 2, seed);
    for (int i = 0; i < 2; i++) {
        int64_t at = random_next(&seed) % (unsigned)check.problem.count[INPUT];
        check.problem.value[INPUT][at] = odd[random_next(&seed) % 3];
    }
    check_ask(&check);
    bool right = each_algorithm(context, &check);
    check_close(&check);
    return right;
}

static void not_numbers(void **state)
{
    (void)state;
    assert_int_equal(property_try(they_stay_in_their_windows, 0, SWEEP_OPS - 1), 0);
}

/* The oracle's windows, counted by hand: a 3x3 kernel, padding 1, stride 1, one odd element inside and one in
 * the corner of 7x6. */
static void windows_are_as_wide_as_the_kernel(void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        int reached;
    } rows[] = {{0, 4}, {3 * 6 + 3, 9}, {5, 4}, {3 * 6, 6}, {41, 4}};
    cj_conv_desc d = {.in_channels = 1,
                      .out_channels = 1,
                      .input = {7, 6},
                      .kernel = {3, 3},
                      .pad_lo = {1, 1},
                      .pad_hi = {1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct check check = check_open(&d, 1, 1);
        int reached = 0;
        check.problem.value[INPUT][rows[i].at] = NAN;
        check_ask(&check);
        for (int64_t k = 0; k < check.problem.count[OUTPUT]; k++)
            reached += isnan(check.want[k]);
        check_close(&check);
        assert_int_equal(reached, rows[i].reached);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy),
        cmocka_unit_test(not_numbers),
        cmocka_unit_test(windows_are_as_wide_as_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
