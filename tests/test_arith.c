/* Roundings against their definitions and against counting, and sums and products that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/arith.h"

/* The largest q with q*b <= a, by trying them from below. */
static int64_t floor_by_counting(int64_t a, int64_t b)
{
    int64_t q = -100;
    while ((q + 1) * b <= a)
        q++;
    return q;
}

static void quotients_round_towards_either_infinity(void **state)
{
    (void)state;
    for (int64_t a = -60; a <= 60; a++)
        for (int64_t b = 1; b <= 9; b++) {
            int64_t down = floor_by_counting(a, b), rest = a - down * b;
            assert_int_equal(floor_div(a, b), down);
            assert_int_equal(ceil_div(a, b), rest ? down + 1 : down);
            assert_int_equal(floor_mod(a, b), rest);
            assert_int_equal(round_up(a, b), rest ? (down + 1) * b : a);
        }
}

static void quotients_reach_the_ends_of_the_type(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, floor, ceil;
    } rows[] = {
        {INT64_MAX, 1, INT64_MAX, INT64_MAX},
        {INT64_MIN, 1, INT64_MIN, INT64_MIN},
        {INT64_MAX, INT64_MAX, 1, 1},
        {INT64_MIN, INT64_MAX, -2, -1},
        {INT64_MAX, 2, INT64_MAX / 2, INT64_MAX / 2 + 1},
        {-1, INT64_MAX, -1, 0},
        {1, INT64_MAX, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(floor_div(rows[i].a, rows[i].b), rows[i].floor);
        assert_int_equal(ceil_div(rows[i].a, rows[i].b), rows[i].ceil);
    }
}

static void the_greatest_divisor_is_found(void **state)
{
    (void)state;
    for (int64_t a = 1; a <= 48; a++)
        for (int64_t b = 1; b <= 48; b++) {
            int64_t most = a;
            while (a % most || b % most)
                most--;
            assert_int_equal(gcd64(a, b), most);
        }
    assert_int_equal(gcd64(7, 0), 7);
    assert_int_equal(gcd64(0, 7), 7);
    assert_int_equal(gcd64((int64_t)1 << 62, (int64_t)3 << 61), (int64_t)1 << 61);
}

static void values_are_kept_within_bounds(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MIN, -3, 0, 2, 5, 7, INT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t x = values[i];
        assert_int_equal(clamp64(x, -1, 5), x < -1 ? -1 : x > 5 ? 5 : x);
        assert_int_equal(min64(x, 2), x < 2 ? x : 2);
        assert_int_equal(max64(x, 2), x > 2 ? x : 2);
        assert_int_equal(min64(2, x), min64(x, 2));
        assert_int_equal(max64(2, x), max64(x, 2));
    }
}

static void sums_and_products_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int64_t result;
    assert_true(add_fits(INT64_MAX - 1, 1, &result));
    assert_int_equal(result, INT64_MAX);
    assert_true(add_fits(INT64_MIN, INT64_MAX, &result));
    assert_int_equal(result, -1);
    assert_false(add_fits(INT64_MAX, 1, &result));
    assert_false(add_fits(INT64_MIN, -1, &result));
    assert_true(mul_fits((int64_t)1 << 31, ((int64_t)1 << 32) - 1, &result));
    assert_int_equal(result, INT64_MAX - (((int64_t)1 << 31) - 1));
    assert_true(mul_fits(-((int64_t)1 << 31), (int64_t)1 << 32, &result));
    assert_int_equal(result, INT64_MIN);
    assert_false(mul_fits((int64_t)1 << 31, (int64_t)1 << 32, &result));
    assert_false(mul_fits(INT64_MIN, -1, &result));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotients_round_towards_either_infinity),
        cmocka_unit_test(quotients_reach_the_ends_of_the_type),
        cmocka_unit_test(the_greatest_divisor_is_found),
        cmocka_unit_test(values_are_kept_within_bounds),
        cmocka_unit_test(sums_and_products_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
