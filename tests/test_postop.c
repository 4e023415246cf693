/* Each post-op against its definition in convjit.h: activations over numbers of every size, the others exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/postop.h"
#include "words/curve.h"

#include <float.h>
#include <math.h>
#include <string.h>

static em_vec emit_post(struct em *em, em_vec x, const void *arg)
{
    em_vec none = em_vconst(em, (double)NAN);
    return postop_apply(em, arg, x, none, none);
}

static long double exact_relu(long double y)
{
    return y > 0 ? y : y != y ? y : 0;
}
static long double exact_relu6(long double y)
{
    return y > 6 ? 6 : exact_relu(y);
}
static long double exact_leaky_relu(long double y)
{
    return y < 0 ? 0.1L * y : y;
}
static long double exact_sigmoid(long double y)
{
    return 1 / (1 + expl(-y));
}
static long double exact_silu(long double y)
{
    return y == -INFINITY ? 0 : y * exact_sigmoid(y);
}
/* By erfc, which does not cancel. */
static long double exact_gelu(long double y)
{
    return y == -INFINITY ? 0 : y * erfcl(-y * 0.70710678118654752440084436210484903928L) / 2;
}
static long double exact_hardswish(long double y)
{
    return y == -INFINITY ? 0 : y * exact_relu6(y + 3) / 6;
}
static long double exact_clamp(long double y)
{
    return y < -0.75L ? -0.75L : y > 1.5L ? 1.5L : y;
}

static const struct post relu = {CJ_POST_RELU, 0, 0}, relu6 = {CJ_POST_RELU6, 0, 0},
                         leaky_relu = {CJ_POST_LEAKY_RELU, 0.1, 0}, sigmoid = {CJ_POST_SIGMOID, 0, 0},
                         tanh_ = {CJ_POST_TANH, 0, 0}, silu = {CJ_POST_SILU, 0, 0}, gelu = {CJ_POST_GELU, 0, 0},
                         hardswish = {CJ_POST_HARDSWISH, 0, 0}, clamp = {CJ_POST_CLAMP, -0.75, 1.5};

/* relu, relu6 and clamp are exact. A slope is rounded to the type, and so is its product. silu has sigmoid's
 * error and that of a product, to where sigmoid is subnormal. gelu and hardswish cancel below zero: their
 * errors are relative to the operand there. */
static const struct curve curves[] = {
    {.name = "relu", .emit = emit_post, .arg = &relu, .exact = exact_relu, .low = 0, .high = INFINITY},
    {.name = "relu6", .emit = emit_post, .arg = &relu6, .exact = exact_relu6, .low = 0, .high = 6},
    {.name = "leaky_relu",
     .emit = emit_post,
     .arg = &leaky_relu,
     .exact = exact_leaky_relu,
     .relative = {0x1p-23, 0x1p-52},
     .low = -INFINITY,
     .high = INFINITY},
    {.name = "sigmoid",
     .emit = emit_post,
     .arg = &sigmoid,
     .exact = exact_sigmoid,
     .relative = {4e-7, 8e-16},
     .absolute = {FLT_MIN, DBL_MIN},
     .low = 0,
     .high = 1},
    {.name = "tanh",
     .emit = emit_post,
     .arg = &tanh_,
     .exact = tanhl,
     .relative = {4e-7, 8e-16},
     .low = -1,
     .high = 1},
    {.name = "silu",
     .emit = emit_post,
     .arg = &silu,
     .exact = exact_silu,
     .relative = {5e-7, 1e-15},
     .absolute = {1000 * (double)FLT_MIN, 1000 * DBL_MIN},
     .low = -0.2784646,
     .high = INFINITY},
    {.name = "gelu",
     .emit = emit_post,
     .arg = &gelu,
     .exact = exact_gelu,
     .relative = {4e-7, 8e-16},
     .per_operand = {1e-7, 2e-16},
     .low = -0.1699713,
     .high = INFINITY},
    {.name = "hardswish",
     .emit = emit_post,
     .arg = &hardswish,
     .exact = exact_hardswish,
     .relative = {3e-7, 5e-16},
     .per_operand = {1e-7, 2e-16},
     .low = -0.3750001,
     .high = INFINITY},
    {.name = "clamp", .emit = emit_post, .arg = &clamp, .exact = exact_clamp, .low = -0.75, .high = 1.5},
};
enum { CURVES = sizeof curves / sizeof curves[0] };

static void activations_are_close_to_their_definitions(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < CURVES; i++)
        wrong += curve_sweep(&curves[i]);
    assert_int_equal(wrong, 0);
}

/* ---- At the ends ---- */

struct ends {
    double at_minus_infinity, at_infinity, at_minus_1e6, at_1e6;
};

static const struct ends ends[CURVES] = {
    {0, INFINITY, 0, 1e6},            /* relu */
    {0, 6, 0, 6},                     /* relu6 */
    {-INFINITY, INFINITY, -1e5, 1e6}, /* leaky_relu */
    {0, 1, 0, 1},                     /* sigmoid */
    {-1, 1, -1, 1},                   /* tanh */
    {0, INFINITY, 0, 1e6},            /* silu */
    {0, INFINITY, 0, 1e6},            /* gelu */
    {0, INFINITY, 0, 1e6},            /* hardswish */
    {-0.75, 1.5, -0.75, 1.5},         /* clamp */
};

static bool ends_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    static const double x[] = {-INFINITY, INFINITY, -1e6, 1e6};
    bool right = true;
    for (int i = 0; i < CURVES; i++) {
        double y[4];
        curve_values(target, &curves[i], x, y, 4);
        const double want[] = {ends[i].at_minus_infinity, ends[i].at_infinity, ends[i].at_minus_1e6,
                               ends[i].at_1e6};
        for (int k = 0; k < 4; k++)
            if (y[k] != want[k] &&
                fabs(y[k] - want[k]) > fabs(want[k]) * (target->dtype == CJ_F64 ? 4e-16 : 2e-7))
                right =
                    words_wrong(target, "%s of %g is %.17g, should be %g", curves[i].name, x[k], y[k], want[k]);
    }
    return right;
}

static void activations_have_their_limits_at_infinity(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(ends_are_right, NULL), 0);
}

/* ---- Post-ops with operands ---- */

static const struct post residual = {CJ_POST_RESIDUAL, 0, 0}, scale_shift = {CJ_POST_SCALE_SHIFT, 0, 0};

/* dst = residual(y, a), then scale_shift(y, a, b); y, a and b lie behind src. */
static void emit_operands(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    int64_t lanes = em_lanes(em);
    em_vec x[3];
    for (int k = 0; k < 3; k++)
        x[k] = em_load(em, em_at(em, em_argument(em, EM_SRC), k * lanes));
    em_store(em, em_argument(em, EM_DST), postop_apply(em, &residual, x[0], x[1], x[2]));
    em_store(em, em_at(em, em_argument(em, EM_DST), lanes), postop_apply(em, &scale_shift, x[0], x[1], x[2]));
}

/* Halves and small whole numbers: exact, rounded once or twice. */
static bool operands_are_used(const struct words *target, const void *arg)
{
    (void)arg;
    double src[48], dst[32];
    int lanes = target->lanes;
    for (int i = 0; i < 3 * lanes; i++)
        element_put(target->dtype, src, i, i * 0.5 - 3);
    struct plan plan = words_plan(target);
    words_run(&plan, emit_operands, NULL, &(struct words_call){.dst = dst, .src = src});
    for (int i = 0; i < lanes; i++) {
        double y = i * 0.5 - 3, a = (i + lanes) * 0.5 - 3, b = (i + 2 * lanes) * 0.5 - 3;
        if (element_get(target->dtype, dst, i) != y + a)
            return words_wrong(target, "residual in lane %d", i);
        if (element_get(target->dtype, dst, lanes + i) != y * a + b)
            return words_wrong(target, "scale_shift in lane %d", i);
    }
    return true;
}

static void operands_are_added_and_multiplied(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(operands_are_used, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_close_to_their_definitions),
        cmocka_unit_test(activations_have_their_limits_at_infinity),
        cmocka_unit_test(operands_are_added_and_multiplied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
