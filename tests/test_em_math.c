/* Vector arithmetic against C, with signed zeros, infinities and what is not a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/words.h"

#include <math.h>
#include <string.h>

typedef em_vec emit_word(struct em *em, em_vec a, em_vec b, em_vec c);

static em_vec emit_add(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vadd(em, a, b);
}
static em_vec emit_sub(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vsub(em, a, b);
}
static em_vec emit_mul(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vmul(em, a, b);
}
static em_vec emit_div(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vdiv(em, a, b);
}
static em_vec emit_abs(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)b, (void)c;
    return em_vabs(em, a);
}
static em_vec emit_copysign(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vcopysign(em, a, b);
}
static em_vec emit_max(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vmax(em, a, b);
}
static em_vec emit_min(struct em *em, em_vec a, em_vec b, em_vec c)
{
    (void)c;
    return em_vmin(em, a, b);
}
static em_vec emit_select(struct em *em, em_vec a, em_vec b, em_vec c)
{
    return em_vselect(em, em_vlt(em, a, b), c, em_vconst(em, -7.5));
}

static double c_add(double a, double b, double c)
{
    (void)c;
    return a + b;
}
static double c_sub(double a, double b, double c)
{
    (void)c;
    return a - b;
}
static double c_mul(double a, double b, double c)
{
    (void)c;
    return a * b;
}
static double c_div(double a, double b, double c)
{
    (void)c;
    return a / b;
}
static double c_abs(double a, double b, double c)
{
    (void)b, (void)c;
    return fabs(a);
}
static double c_copysign(double a, double b, double c)
{
    (void)c;
    return copysign(a, b);
}
static double c_max(double a, double b, double c)
{
    (void)c;
    return a > b ? a : b;
}
static double c_min(double a, double b, double c)
{
    (void)c;
    return a < b ? a : b;
}
static double c_select(double a, double b, double c)
{
    return a < b ? c : -7.5;
}

static const struct row {
    const char *name;
    emit_word *emit;
    double (*c)(double a, double b, double c);
} rows[] = {{"add", emit_add, c_add}, {"sub", emit_sub, c_sub}, {"mul", emit_mul, c_mul},
            {"div", emit_div, c_div}, {"abs", emit_abs, c_abs}, {"copysign", emit_copysign, c_copysign},
            {"max", emit_max, c_max}, {"min", emit_min, c_min}, {"select", emit_select, c_select}};

/* dst = word(src[0], src[1], src[2]), vectors of equal lanes. */
static void emit_row(struct em *em, const void *arg)
{
    const struct row *row = arg;
    em_ptr src = em_argument(em, EM_SRC);
    em_vec a = em_broadcast(em, src), b = em_broadcast(em, em_at(em, src, 1));
    em_store(em, em_argument(em, EM_DST), row->emit(em, a, b, em_broadcast(em, em_at(em, src, 2))));
}

/* The same number, zeros by their sign, or neither a number. */
static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

static double rounded(const struct words *words, double x)
{
    return words->dtype == CJ_F64 ? x : (double)(float)x;
}

static void check_row(const struct words *words, const struct row *row)
{
    static const double values[] = {0.0, -0.0, 1, -1, 2.5, -3.75, 1e10, -1e-10, INFINITY, -INFINITY, NAN};
    enum { VALUES = sizeof values / sizeof *values };
    struct words_kernel kernel = words_open(words, emit_row, row);
    for (int i = 0; i < VALUES * VALUES; i++) {
        double a = rounded(words, values[i / VALUES]), b = rounded(words, values[i % VALUES]), c = 11;
        double src[3], dst[16];
        words_set(words, src, 0, a);
        words_set(words, src, 1, b);
        words_set(words, src, 2, c);
        kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, 0);
        for (int lane = 0; lane < words->lanes; lane++)
            if (!same(words_get(words, dst, lane), rounded(words, row->c(a, b, c))))
                fail_msg("%s, %s of %g and %g is %g", words_name(words), row->name, a, b,
                         words_get(words, dst, lane));
    }
    words_close(&kernel);
}

static void check_rows(const struct words *words)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(words, &rows[i]);
}

static void words_compute_as_c_does(void **state)
{
    (void)state;
    words_each(check_rows);
}

/* dst[0] = (1 + e)^2 - (1 + 2e), which is e^2 if it is rounded once, 0 if twice; e the half of the mantissa. */
static void emit_fma(struct em *em, const void *arg)
{
    (void)arg;
    double e = em_is_f64(em) ? 0x1p-30 : 0x1p-13;
    em_ptr src = em_argument(em, EM_SRC);
    em_vec x = em_broadcast(em, src), y = em_vsub(em, em_vconst(em, 0), em_vconst(em, 1 + 2 * e));
    em_store(em, em_argument(em, EM_DST), em_fma(em, x, x, y));
}

static void check_fma(const struct words *words)
{
    double e = words->dtype == CJ_F64 ? 0x1p-30 : 0x1p-13, src[1], dst[16];
    words_set(words, src, 0, 1 + e);
    struct words_kernel kernel = words_open(words, emit_fma, NULL);
    kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, 0);
    words_close(&kernel);
    assert_true(words_get(words, dst, words->lanes - 1) == (isa_info(words->isa)->has_fma ? e * e : 0));
}

static void a_fused_sum_is_rounded_once(void **state)
{
    (void)state;
    words_each(check_fma);
}

/* dst = round(src[0]), then 2^round(src[0]) behind it. */
static void emit_round(struct em *em, const void *arg)
{
    (void)arg;
    em_vec k = em_vround(em, em_broadcast(em, em_argument(em, EM_SRC)));
    em_store(em, em_argument(em, EM_DST), k);
    em_store(em, em_at(em, em_argument(em, EM_DST), em_lanes(em)), em_vpow2(em, k));
}

static void check_round(const struct words *words)
{
    int most = words->dtype == CJ_F64 ? 1022 : 126;
    struct words_kernel kernel = words_open(words, emit_round, NULL);
    for (double x = -most; x <= most; x += 0.25) {
        double src[1], dst[32];
        words_set(words, src, 0, x);
        kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, 0);
        assert_true(words_get(words, dst, 0) == rint(x));
        assert_true(words_get(words, dst, words->lanes) == exp2(rint(x)));
    }
    words_close(&kernel);
}

static void rounding_and_powers_are_exact(void **state)
{
    (void)state;
    words_each(check_round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_compute_as_c_does),
        cmocka_unit_test(a_fused_sum_is_rounded_once),
        cmocka_unit_test(rounding_and_powers_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
