/* Arithmetic on vectors, bit for bit as C has it, on numbers of every kind: signed zeros, subnormal ones,
 * infinities, what is not a number, halves that round, products that round once or twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/trials.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Words, in generated code and in C ---- */

static em_vec emit_add(struct em *em, const em_vec x[3])
{
    return em_vadd(em, x[0], x[1]);
}
static double f32_add(const float x[3])
{
    return (double)(x[0] + x[1]);
}
static double f64_add(const double x[3])
{
    return x[0] + x[1];
}

static em_vec emit_sub(struct em *em, const em_vec x[3])
{
    return em_vsub(em, x[0], x[1]);
}
static double f32_sub(const float x[3])
{
    return (double)(x[0] - x[1]);
}
static double f64_sub(const double x[3])
{
    return x[0] - x[1];
}

static em_vec emit_mul(struct em *em, const em_vec x[3])
{
    return em_vmul(em, x[0], x[1]);
}
static double f32_mul(const float x[3])
{
    return (double)(x[0] * x[1]);
}
static double f64_mul(const double x[3])
{
    return x[0] * x[1];
}

static em_vec emit_div(struct em *em, const em_vec x[3])
{
    return em_vdiv(em, x[0], x[1]);
}
static double f32_div(const float x[3])
{
    return (double)(x[0] / x[1]);
}
static double f64_div(const double x[3])
{
    return x[0] / x[1];
}

static em_vec emit_abs(struct em *em, const em_vec x[3])
{
    return em_vabs(em, x[0]);
}
static double f32_abs(const float x[3])
{
    return (double)fabsf(x[0]);
}
static double f64_abs(const double x[3])
{
    return fabs(x[0]);
}

static em_vec emit_copysign(struct em *em, const em_vec x[3])
{
    return em_vcopysign(em, x[0], x[1]);
}
static double f32_copysign(const float x[3])
{
    return (double)copysignf(x[0], x[1]);
}
static double f64_copysign(const double x[3])
{
    return copysign(x[0], x[1]);
}

/* By the words of em.h: the second where either is not a number. */
static em_vec emit_max(struct em *em, const em_vec x[3])
{
    return em_vmax(em, x[0], x[1]);
}
static double f32_max(const float x[3])
{
    return (double)(x[0] > x[1] ? x[0] : x[1]);
}
static double f64_max(const double x[3])
{
    return x[0] > x[1] ? x[0] : x[1];
}

static em_vec emit_min(struct em *em, const em_vec x[3])
{
    return em_vmin(em, x[0], x[1]);
}
static double f32_min(const float x[3])
{
    return (double)(x[0] < x[1] ? x[0] : x[1]);
}
static double f64_min(const double x[3])
{
    return x[0] < x[1] ? x[0] : x[1];
}

static em_vec emit_select(struct em *em, const em_vec x[3])
{
    return em_vselect(em, em_vlt(em, x[0], x[1]), x[1], x[2]);
}
static double f32_select(const float x[3])
{
    return (double)(x[0] < x[1] ? x[1] : x[2]);
}
static double f64_select(const double x[3])
{
    return x[0] < x[1] ? x[1] : x[2];
}

static em_vec emit_fma(struct em *em, const em_vec x[3])
{
    return em_fma(em, x[0], x[1], x[2]);
}
static double f32_fused(const float x[3])
{
    return (double)fmaf(x[0], x[1], x[2]);
}
static double f64_fused(const double x[3])
{
    return fma(x[0], x[1], x[2]);
}
/* Two roundings, which a compiler may not make one of. */
static double f32_twice(const float x[3])
{
    volatile float product = x[0] * x[1];
    return (double)(product + x[2]);
}
static double f64_twice(const double x[3])
{
    volatile double product = x[0] * x[1];
    return product + x[2];
}

struct word {
    const char *name;
    em_vec (*emit)(struct em *em, const em_vec x[3]);
    double (*f32)(const float x[3]);
    double (*f64)(const double x[3]);
};

static const struct word words[] = {
    {"em_vadd", emit_add, f32_add, f64_add},
    {"em_vsub", emit_sub, f32_sub, f64_sub},
    {"em_vmul", emit_mul, f32_mul, f64_mul},
    {"em_vdiv", emit_div, f32_div, f64_div},
    {"em_vabs", emit_abs, f32_abs, f64_abs},
    {"em_vcopysign", emit_copysign, f32_copysign, f64_copysign},
    {"em_vmax", emit_max, f32_max, f64_max},
    {"em_vmin", emit_min, f32_min, f64_min},
    {"em_vlt and em_vselect", emit_select, f32_select, f64_select},
};
static const struct word fused = {"em_fma, fused", emit_fma, f32_fused, f64_fused};
static const struct word rounded_twice = {"em_fma, rounded twice", emit_fma, f32_twice, f64_twice};

/* ---- Numbers of every kind ---- */

/* In units that make sense for both types: the type's smallest, largest and next to 1 are put in. */
static int fill_numbers(cj_dtype dtype, double numbers[])
{
    bool wide = dtype == CJ_F64;
    double tiny = wide ? 0x1p-1074 : 0x1p-149, normal = wide ? DBL_MIN : (double)FLT_MIN;
    double huge = wide ? DBL_MAX : (double)FLT_MAX, unit = wide ? DBL_EPSILON : (double)FLT_EPSILON;
    const double positive[] = {
        0,        1,      1 + unit,      1 - unit / 2, 1.5,      2,        3,          1e-30,    12345678, tiny,
        3 * tiny, normal, normal - tiny, huge,         huge / 2, 0x1.8p12, 0x1.001p12, INFINITY, 0.1};
    int count = 0;
    for (size_t i = 0; i < sizeof positive / sizeof positive[0]; i++) {
        numbers[count++] = positive[i];
        numbers[count++] = -positive[i];
    }
    numbers[count++] = (double)NAN;
    return count;
}

enum { NUMBERS = 39, TRIPLES = NUMBERS * NUMBERS * NUMBERS, SPARE = 64 };

/* Three columns of operands, and what came of them. */
struct columns {
    double operand[3][TRIPLES + SPARE], result[TRIPLES + SPARE];
};

static void fill_columns(cj_dtype dtype, struct columns *columns)
{
    double numbers[NUMBERS + 1];
    assert_int_equal(fill_numbers(dtype, numbers), NUMBERS);
    memset(columns, 0, sizeof *columns);
    for (int i = 0; i < TRIPLES; i++) {
        element_put(dtype, columns->operand[0], i, numbers[i % NUMBERS]);
        element_put(dtype, columns->operand[1], i, numbers[i / NUMBERS % NUMBERS]);
        element_put(dtype, columns->operand[2], i, numbers[i / NUMBERS / NUMBERS]);
    }
}

static void emit_columns(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct word *word = arg;
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    {
        static const enum em_arg from[] = {EM_SRC, EM_WEIGHTS, EM_BIAS};
        em_int at = em_mulc(em, i.at, em_lanes(em));
        em_vec x[3];
        for (int k = 0; k < 3; k++)
            x[k] = em_load(em, em_offset(em, em_argument(em, from[k]), at));
        em_store(em, em_offset(em, em_argument(em, EM_DST), at), word->emit(em, x));
    }
}

static void run_columns(const struct words *target, const struct word *word, struct columns *columns, int count)
{
    struct plan plan = words_plan(target);
    words_run(&plan, emit_columns, word,
              &(struct words_call){.dst = columns->result,
                                   .src = columns->operand[0],
                                   .weights = columns->operand[1],
                                   .bias = columns->operand[2],
                                   .last = (count + target->lanes - 1) / target->lanes});
}

static double wanted(cj_dtype dtype, const struct word *word, const struct columns *columns, int i)
{
    double x[3];
    for (int k = 0; k < 3; k++)
        x[k] = element_get(dtype, columns->operand[k], i);
    return dtype == CJ_F64 ? word->f64(x) : word->f32((float[]){(float)x[0], (float)x[1], (float)x[2]});
}

/* The same bits, or neither a number. */
static bool same(double a, double b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

static bool word_is_right(const struct words *target, const struct word *word, struct columns *columns)
{
    run_columns(target, word, columns, TRIPLES);
    for (int i = 0; i < TRIPLES; i++) {
        double got = element_get(target->dtype, columns->result, i);
        double want = wanted(target->dtype, word, columns, i);
        if (!same(got, want))
            return words_wrong(target, "%s of %a, %a, %a is %a, should be %a", word->name,
                               element_get(target->dtype, columns->operand[0], i),
                               element_get(target->dtype, columns->operand[1], i),
                               element_get(target->dtype, columns->operand[2], i), got, want);
    }
    return true;
}

static bool words_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct columns *columns = malloc(sizeof *columns);
    assert_non_null(columns);
    fill_columns(target->dtype, columns);
    bool right = true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        right = word_is_right(target, &words[i], columns) && right;
    const struct word *sum = isa_info(target->isa)->has_fma ? &fused : &rounded_twice;
    right = word_is_right(target, sum, columns) && right;
    free(columns);
    return right;
}

static void words_are_those_of_c(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(words_are_right, NULL), 0);
}

/* ---- Constants ---- */

static const double constants[] = {0, -0.0, 1, -2.5, 0.1, 0x1p-149, 1e300, INFINITY, -INFINITY};
enum { CONSTANTS = sizeof constants / sizeof constants[0] };

static void emit_constants(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    for (int i = 0; i < CONSTANTS; i++)
        em_store(em, em_at(em, em_argument(em, EM_DST), i * em_lanes(em)), em_vconst(em, constants[i]));
}

static bool constants_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    double got[CONSTANTS * 16], want;
    struct plan plan = words_plan(target);
    words_run(&plan, emit_constants, NULL, &(struct words_call){.dst = got});
    for (int i = 0; i < CONSTANTS * target->lanes; i++) {
        element_put(target->dtype, &want, 0, constants[i / target->lanes]);
        if (!same(element_get(target->dtype, got, i), element_get(target->dtype, &want, 0)))
            return words_wrong(target, "em_vconst of %a is %a", constants[i / target->lanes],
                               element_get(target->dtype, got, i));
    }
    return true;
}

static void constants_fill_every_lane(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(constants_are_right, NULL), 0);
}

/* ---- Rounding and powers of two ---- */

static em_vec emit_round(struct em *em, const em_vec x[3])
{
    return em_vround(em, x[0]);
}
static const struct word rounding = {"em_vround", emit_round, NULL, NULL};

/* Halves, their neighbours, and numbers up to the limit of the word. */
static int fill_roundings(cj_dtype dtype, double numbers[])
{
    double limit = dtype == CJ_F64 ? 0x1p51 : 0x1p22, unit = dtype == CJ_F64 ? 0x1p-52 : 0x1p-23;
    int count = 0;
    for (int i = -200; i <= 200; i++)
        for (int k = -1; k <= 1; k++)
            numbers[count++] = i * 0.25 * (1 + k * unit);
    for (double big = 0x1p8; big < limit; big *= 4)
        for (int k = -9; k <= 9; k++) {
            numbers[count++] = big + k * 0.5;
            numbers[count++] = -big - k * 0.5;
        }
    numbers[count++] = limit - 0.5;
    numbers[count++] = 0.5 - limit;
    return count;
}

static bool rounding_is_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct columns *columns = calloc(1, sizeof *columns);
    assert_non_null(columns);
    double *numbers = columns->operand[1], want;
    int count = fill_roundings(target->dtype, numbers);
    for (int i = 0; i < count; i++)
        element_put(target->dtype, columns->operand[0], i, numbers[i]);
    run_columns(target, &rounding, columns, count);
    bool right = true;
    for (int i = 0; i < count && right; i++) {
        want = rint(element_get(target->dtype, columns->operand[0], i));
        double got = element_get(target->dtype, columns->result, i);
        right = got == want || words_wrong(target, "em_vround of %a is %a, should be %a",
                                           element_get(target->dtype, columns->operand[0], i), got, want);
    }
    free(columns);
    return right;
}

static void rounding_goes_to_the_nearest_even_number(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(rounding_is_right, NULL), 0);
}

static em_vec emit_pow2(struct em *em, const em_vec x[3])
{
    return em_vpow2(em, x[0]);
}
static const struct word power = {"em_vpow2", emit_pow2, NULL, NULL};

static bool powers_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct columns *columns = calloc(1, sizeof *columns);
    assert_non_null(columns);
    int low = target->dtype == CJ_F64 ? -1022 : -126, high = target->dtype == CJ_F64 ? 1023 : 127;
    for (int k = low; k <= high; k++)
        element_put(target->dtype, columns->operand[0], k - low, k);
    run_columns(target, &power, columns, high - low + 1);
    bool right = true;
    for (int k = low; k <= high && right; k++)
        right = element_get(target->dtype, columns->result, k - low) == ldexp(1, k) ||
                words_wrong(target, "em_vpow2 of %d is %a", k,
                            element_get(target->dtype, columns->result, k - low));
    free(columns);
    return right;
}

static void powers_of_two_are_exact(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(powers_are_right, NULL), 0);
}

/* The operands tell one rounding from two: a test of the test. */
static void the_numbers_tell_one_rounding_from_two(void **state)
{
    (void)state;
    struct columns *columns = malloc(sizeof *columns);
    assert_non_null(columns);
    for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++) {
        fill_columns((cj_dtype)dtype, columns);
        int differ = 0;
        for (int i = 0; i < TRIPLES; i++)
            differ += !same(wanted((cj_dtype)dtype, &fused, columns, i),
                            wanted((cj_dtype)dtype, &rounded_twice, columns, i));
        assert_true(differ > 100);
    }
    free(columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_c),
        cmocka_unit_test(constants_fill_every_lane),
        cmocka_unit_test(rounding_goes_to_the_nearest_even_number),
        cmocka_unit_test(powers_of_two_are_exact),
        cmocka_unit_test(the_numbers_tell_one_rounding_from_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
