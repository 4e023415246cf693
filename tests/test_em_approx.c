/* exp, sigmoid, tanh and erf against libm in long double, within the errors that em_approx.c states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/em_approx.h"
#include "words/curve.h"

#include <float.h>
#include <math.h>
#include <string.h>

static em_vec emit_exp(struct em *em, em_vec x, const void *arg)
{
    (void)arg;
    return em_exp(em, x);
}
static em_vec emit_sigmoid(struct em *em, em_vec x, const void *arg)
{
    (void)arg;
    return em_sigmoid(em, x);
}
static em_vec emit_tanh(struct em *em, em_vec x, const void *arg)
{
    (void)arg;
    return em_tanh(em, x);
}
static em_vec emit_erf(struct em *em, em_vec x, const void *arg)
{
    (void)arg;
    return em_erf(em, x);
}

static long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

/* Sigmoids that would be subnormal may be 0. */
static const struct curve curves[] = {
    {.name = "exp", .emit = emit_exp, .exact = expl, .relative = {2e-7, 4e-16}, .low = 0, .high = INFINITY},
    {.name = "sigmoid",
     .emit = emit_sigmoid,
     .exact = exact_sigmoid,
     .relative = {4e-7, 8e-16},
     .absolute = {FLT_MIN, DBL_MIN},
     .low = 0,
     .high = 1},
    {.name = "tanh", .emit = emit_tanh, .exact = tanhl, .relative = {4e-7, 8e-16}, .low = -1, .high = 1},
    {.name = "erf", .emit = emit_erf, .exact = erfl, .relative = {3e-7, 6e-16}, .low = -1, .high = 1},
};
enum { EXP, SIGMOID, TANH, ERF };

static void exp_is_close(void **state)
{
    (void)state;
    assert_int_equal(curve_sweep(&curves[EXP]), 0);
}
static void sigmoid_is_close(void **state)
{
    (void)state;
    assert_int_equal(curve_sweep(&curves[SIGMOID]), 0);
}
static void tanh_is_close(void **state)
{
    (void)state;
    assert_int_equal(curve_sweep(&curves[TANH]), 0);
}
static void erf_is_close(void **state)
{
    (void)state;
    assert_int_equal(curve_sweep(&curves[ERF]), 0);
}

/* ---- Values that are exact, to the sign of a zero ---- */

struct value {
    int curve;
    double x, y;
};

static const struct value values[] = {
    {EXP, 0, 1},
    {EXP, -0.0, 1},
    {EXP, INFINITY, INFINITY},
    {EXP, -INFINITY, 0},
    {EXP, 1e30, INFINITY},
    {EXP, -1e30, 0},
    {SIGMOID, 0, 0.5},
    {SIGMOID, -0.0, 0.5},
    {SIGMOID, INFINITY, 1},
    {SIGMOID, -INFINITY, 0},
    {SIGMOID, 100, 1},
    {SIGMOID, -1e30, 0},
    {TANH, 0, 0},
    {TANH, -0.0, -0.0},
    {TANH, INFINITY, 1},
    {TANH, -INFINITY, -1},
    {TANH, 25, 1},
    {TANH, -25, -1},
    {TANH, 0x1p-149, 0x1p-149},
    {TANH, -0x1p-149, -0x1p-149},
    {ERF, 0, 0},
    {ERF, -0.0, -0.0},
    {ERF, INFINITY, 1},
    {ERF, -INFINITY, -1},
    {ERF, 7, 1},
    {ERF, -7, -1},
    {ERF, 1e30, 1},
    {ERF, -1e30, -1},
};

static bool values_are_exact(const struct words *target, const void *arg)
{
    (void)arg;
    bool right = true;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double y;
        curve_values(target, &curves[values[i].curve], &values[i].x, &y, 1);
        if (memcmp(&y, &values[i].y, sizeof y) != 0)
            right = words_wrong(target, "%s of %g is %.17g, should be %g", curves[values[i].curve].name,
                                values[i].x, y, values[i].y);
    }
    return right;
}

static void limits_and_zeros_are_exact(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(values_are_exact, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_close),
        cmocka_unit_test(sigmoid_is_close),
        cmocka_unit_test(tanh_is_close),
        cmocka_unit_test(erf_is_close),
        cmocka_unit_test(limits_and_zeros_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
