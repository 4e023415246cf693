/* exp, sigmoid, tanh and erf against libm in long double, over a dense sweep, at the bounds that em_approx.c
 * states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/em_approx.h"
#include "words/words.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { POINTS = 40000 };

static long double sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static const struct row {
    const char *name;
    em_vec (*emit)(struct em *em, em_vec x);
    long double (*c)(long double x);
    double bound[2];              /* relative, by type */
    double low_value, high_value; /* at minus and plus infinity */
} rows[] = {
    {"exp", em_exp, expl, {2e-7, 4e-16}, 0, INFINITY},
    {"sigmoid", em_sigmoid, sigmoid, {4e-7, 8e-16}, 0, 1},
    {"tanh", em_tanh, tanhl, {4e-7, 8e-16}, -1, 1},
    {"erf", em_erf, erfl, {3e-7, 6e-16}, -1, 1},
};

/* dst[i] = f(src[i]) for whole vectors, i < last. */
static void emit_function(struct em *em, const void *arg)
{
    const struct row *row = arg;
    EM_STREAM(em, i, em_i(em, 0), em_last_unit(em), em_lanes(em))
    {
        em_vec x = em_load(em, em_offset(em, em_argument(em, EM_SRC), i.at));
        em_store(em, em_offset(em, em_argument(em, EM_DST), i.at), row->emit(em, x));
    }
}

/* From tiny to large, both signs: magnitudes grow evenly in their logarithm from 2^-160 to 2^10. */
static double point(int i)
{
    double magnitude = exp2(-160 + 170.0 * (i / 2) / (POINTS / 2));
    return i % 2 ? -magnitude : magnitude;
}

static double smallest_normal(const struct words *words)
{
    return words->dtype == CJ_F64 ? DBL_MIN : (double)FLT_MIN;
}

/* The error of one result, in terms of the bound; results below the normal ones may be off by a normal one's
 * unit. */
static double excess(const struct words *words, const struct row *row, double x, double got)
{
    long double want = row->c((long double)x);
    double largest = words->dtype == CJ_F64 ? DBL_MAX : (double)FLT_MAX;
    if (fabsl(want) > (long double)largest)
        return got == INFINITY ? 0 : 1e9;
    long double slack = (long double)row->bound[words->dtype] * fabsl(want);
    return (double)(fabsl((long double)got - want) / (slack + (long double)smallest_normal(words)));
}

static void check_row(const struct words *words, const struct row *row)
{
    size_t bytes = POINTS * (size_t)dtype_bytes(words->dtype);
    void *src = malloc(bytes), *dst = malloc(bytes);
    assert_true(src && dst);
    for (int i = 0; i < POINTS; i++)
        words_set(words, src, i, point(i));
    struct words_kernel kernel = words_open(words, emit_function, row);
    kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, POINTS);
    words_close(&kernel);
    for (int i = 0; i < POINTS; i++) {
        double x = words_get(words, src, i), got = words_get(words, dst, i), off = excess(words, row, x, got);
        if (!(off <= 1))
            fail_msg("%s, %s(%.17g) is %.17g, %.3g times the bound off", words_name(words), row->name, x, got,
                     off);
    }
    free(src);
    free(dst);
}

static void check_special(const struct words *words, const struct row *row)
{
    const double xs[] = {-INFINITY, INFINITY, 0.0, -0.0, 1000, -1000, 1e30, -1e30};
    const double wants[] = {row->low_value,  row->high_value, (double)row->c(0), (double)row->c(-0.0L),
                            row->high_value, row->low_value,  row->high_value,   row->low_value};
    double src[16], dst[16];
    struct words_kernel kernel = words_open(words, emit_function, row);
    for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
        for (int lane = 0; lane < words->lanes; lane++)
            words_set(words, src, lane, xs[i]);
        kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, words->lanes);
        double got = words_get(words, dst, 0);
        if (got != wants[i] || !signbit(got) != !signbit(wants[i]))
            fail_msg("%s, %s(%g) is %g, should be %g", words_name(words), row->name, xs[i], got, wants[i]);
    }
    words_set(words, src, words->lanes - 1, NAN);
    kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, words->lanes);
    assert_true(isnan(words_get(words, dst, words->lanes - 1)));
    words_close(&kernel);
}

static void check_functions(const struct words *words)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(words, &rows[i]);
        check_special(words, &rows[i]);
    }
}

static void functions_keep_their_bounds(void **state)
{
    (void)state;
    words_each(check_functions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(functions_keep_their_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
