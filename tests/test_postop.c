/* Each post-op against its formula in double, over a sweep of values and what is not finite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/postop.h"
#include "../src/text.h"
#include "words/words.h"

#include <float.h>
#include <math.h>

enum { VALUES = 512 };

static double c_residual(double y, double first, double second)
{
    (void)second;
    return y + first;
}
static double c_scale_shift(double y, double first, double second)
{
    return y * first + second;
}
static double c_relu(double y, double first, double second)
{
    (void)first, (void)second;
    return y > 0 ? y : 0;
}
static double c_relu6(double y, double first, double second)
{
    (void)first, (void)second;
    return fmin(fmax(y, 0), 6);
}
static double c_leaky_relu(double y, double first, double second)
{
    (void)first, (void)second;
    return y < 0 ? 0.125 * y : y;
}
static double c_sigmoid(double y, double first, double second)
{
    (void)first, (void)second;
    return 1 / (1 + exp(-y));
}
static double c_tanh(double y, double first, double second)
{
    (void)first, (void)second;
    return tanh(y);
}
static double c_silu(double y, double first, double second)
{
    (void)first, (void)second;
    return y == -INFINITY ? 0 : y / (1 + exp(-y));
}
static double c_gelu(double y, double first, double second)
{
    (void)first, (void)second;
    return y == -INFINITY ? 0 : y * erfc(-y / sqrt(2)) / 2;
}
static double c_hardswish(double y, double first, double second)
{
    (void)first, (void)second;
    return y == -INFINITY ? 0 : y * fmin(fmax(y + 3, 0), 6) / 6;
}
static double c_clamp(double y, double first, double second)
{
    (void)first, (void)second;
    return fmin(fmax(y, -0.5), 2.5);
}

/* The post-op, its formula, and its error in units of the last place of the larger of its result and `beside`:
 * what cancels loses digits of that. */
static const struct row {
    struct post post;
    double (*c)(double y, double first, double second);
    double ulps, beside;
} rows[] = {
    {{CJ_POST_RESIDUAL, 0, 0}, c_residual, 1, 0},
    {{CJ_POST_SCALE_SHIFT, 0, 0}, c_scale_shift, 2, 64},
    {{CJ_POST_RELU, 0, 0}, c_relu, 0, 0},
    {{CJ_POST_RELU6, 0, 0}, c_relu6, 0, 0},
    {{CJ_POST_LEAKY_RELU, 0.125, 0}, c_leaky_relu, 0, 0},
    {{CJ_POST_SIGMOID, 0, 0}, c_sigmoid, 8, 0},
    {{CJ_POST_TANH, 0, 0}, c_tanh, 8, 0},
    {{CJ_POST_SILU, 0, 0}, c_silu, 8, 0},
    {{CJ_POST_GELU, 0, 0}, c_gelu, 8, 1},
    {{CJ_POST_HARDSWISH, 0, 0}, c_hardswish, 4, 1},
    {{CJ_POST_CLAMP, -0.5, 2.5}, c_clamp, 0, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* dst[i] = post-op of src[i], weights[i], bias[i]. */
static void emit_post(struct em *em, const void *arg)
{
    const struct row *row = arg;
    EM_STREAM(em, i, em_i(em, 0), em_last_unit(em), em_lanes(em))
    {
        em_vec y = em_load(em, em_offset(em, em_argument(em, EM_SRC), i.at));
        em_vec first = em_load(em, em_offset(em, em_argument(em, EM_WEIGHTS), i.at));
        em_vec second = em_load(em, em_offset(em, em_argument(em, EM_BIAS), i.at));
        em_store(em, em_offset(em, em_argument(em, EM_DST), i.at),
                 postop_apply(em, &row->post, y, first, second));
    }
}

/* The values of y: around 0 in small steps, then what is not finite. */
static double value(int i)
{
    static const double special[] = {INFINITY, -INFINITY, NAN, 0.0, -0.0, 1e30, -1e30, 6, 3, -3, 2.5, -0.5};
    int from_end = VALUES - 1 - i;
    return from_end < (int)(sizeof special / sizeof *special) ? special[from_end] : (i - VALUES / 2) / 16.0;
}

static bool is_right(const struct words *words, const struct row *row, const double in[3], double got)
{
    double want = row->c(in[0], in[1], in[2]);
    double epsilon = words->dtype == CJ_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    double smallest = words->dtype == CJ_F64 ? DBL_MIN : (double)FLT_MIN;
    if (isnan(in[0]))
        return isnan(got);
    if (isinf(want))
        return got == want;
    return fabs(got - want) <= row->ulps * epsilon * fmax(fabs(want), row->beside) + smallest;
}

static void check_post(const struct words *words, const struct row *row)
{
    double y[VALUES], first[VALUES], second[VALUES], dst[VALUES];
    for (int i = 0; i < VALUES; i++) {
        words_set(words, y, i, value(i));
        words_set(words, first, i, (i % 7 - 3) / 2.0);
        words_set(words, second, i, (i % 5 - 2) * 1.25);
    }
    struct words_kernel kernel = words_open(words, emit_post, row);
    kernel.run(dst, y, first, second, NULL, NULL, 0, VALUES);
    words_close(&kernel);
    for (int i = 0; i < VALUES; i++) {
        double in[] = {words_get(words, y, i), words_get(words, first, i), words_get(words, second, i)};
        double got = words_get(words, dst, i);
        /* Zero times infinity is the caller's. */
        if (row->post.kind == CJ_POST_SCALE_SHIFT && isinf(in[0]) && in[1] == 0)
            continue;
        if (!is_right(words, row, in, got))
            fail_msg("%s, %s of %.9g (%g, %g) is %.17g, should be %.17g", words_name(words),
                     post_name((cj_post_kind)row->post.kind), in[0], in[1], in[2], got,
                     row->c(in[0], in[1], in[2]));
    }
}

static void check_posts(const struct words *words)
{
    for (int i = 0; i < ROWS; i++)
        check_post(words, &rows[i]);
}

static void post_ops_follow_their_formulas(void **state)
{
    (void)state;
    words_each(check_posts);
}

static void each_post_op_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(ROWS, CJ_POST_CLAMP);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(rows[i].post.kind, i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(post_ops_follow_their_formulas),
        cmocka_unit_test(each_post_op_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
