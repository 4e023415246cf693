#include "curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room behind the numbers, so that vectors of any length cover them. */
enum { MOST_NUMBERS = 1 << 20, SPARE = 64 };

struct sweep {
    const struct curve *curve;
    cj_dtype dtype;
    int count;
    void *x, *y; /* of the type */
    long double *exact;
};

static void add(struct sweep *sweep, double value)
{
    assert_true(sweep->count < MOST_NUMBERS);
    element_put(sweep->dtype, sweep->x, sweep->count++, value);
}

static void add_bits(struct sweep *sweep, uint64_t bits)
{
    memcpy((char *)sweep->x + sweep->count * 8, &bits, 8);
    assert_true(++sweep->count < MOST_NUMBERS);
}

/* Every so many-th of all floats: each exponent 1700 times, what is not a number too. */
static void fill_f32(struct sweep *sweep)
{
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 4801) {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, 4);
        add(sweep, (double)value);
    }
}

/* Some doubles of each exponent, many of those around 1. */
static void fill_f64(struct sweep *sweep)
{
    uint64_t random = 1;
    for (uint64_t exponent = 0; exponent < 2048; exponent++) {
        int many = exponent > 1023 - 60 && exponent < 1023 + 12 ? 4000 : 40;
        for (int i = 0; i < many; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            add_bits(sweep, (random << 63) | (exponent << 52) | (random >> 12));
        }
    }
}

static void fill_special(struct sweep *sweep)
{
    static const double values[] = {0,
                                    0.25,
                                    0.5,
                                    0.75,
                                    1,
                                    2,
                                    3,
                                    4,
                                    5,
                                    5.9,
                                    6,
                                    6.1,
                                    10,
                                    20,
                                    40,
                                    87,
                                    87.3,
                                    88,
                                    88.7,
                                    89,
                                    90,
                                    103,
                                    103.9,
                                    104,
                                    105,
                                    708,
                                    709,
                                    709.7,
                                    710,
                                    745,
                                    745.1,
                                    746,
                                    1e3,
                                    FLT_MIN,
                                    FLT_MIN / 4096,
                                    1e30,
                                    FLT_MAX,
                                    DBL_MIN,
                                    DBL_MIN / 4096,
                                    DBL_MAX,
                                    INFINITY,
                                    NAN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        add(sweep, values[i]);
        add(sweep, -values[i]);
    }
}

static struct sweep sweep_open(const struct curve *curve, cj_dtype dtype)
{
    struct sweep sweep = {.curve = curve, .dtype = dtype};
    sweep.x = calloc(MOST_NUMBERS + SPARE, 8);
    sweep.y = calloc(MOST_NUMBERS + SPARE, 8);
    sweep.exact = calloc(MOST_NUMBERS, sizeof *sweep.exact);
    assert_true(sweep.x && sweep.y && sweep.exact);
    fill_special(&sweep);
    if (dtype == CJ_F64)
        fill_f64(&sweep);
    else
        fill_f32(&sweep);
    for (int i = 0; i < sweep.count; i++)
        sweep.exact[i] = curve->exact((long double)element_get(dtype, sweep.x, i));
    return sweep;
}

static void sweep_close(struct sweep *sweep)
{
    free(sweep->x);
    free(sweep->y);
    free(sweep->exact);
}

static void emit_curve(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct curve *curve = arg;
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    {
        em_int at = em_mulc(em, i.at, em_lanes(em));
        em_vec x = em_load(em, em_offset(em, em_argument(em, EM_SRC), at));
        em_store(em, em_offset(em, em_argument(em, EM_DST), at), curve->emit(em, x, curve->arg));
    }
}

/* What is exact is known to a few units of long double's last place; the type's own rounding is part of the
 * bound, as is the smallest number. */
static bool close_enough(const struct sweep *sweep, double x, double got, long double exact)
{
    const struct curve *curve = sweep->curve;
    bool wide = sweep->dtype == CJ_F64;
    long double largest = wide ? (long double)DBL_MAX : (long double)FLT_MAX;
    long double tiny = wide ? 0x1p-1074L : 0x1p-149L;
    if (exact != exact || got != got)
        return exact != exact && got != got;
    if (got < curve->low || got > curve->high)
        return false;
    if (fabsl(exact) == INFINITY || fabs(got) == INFINITY)
        return fabsl(exact) > largest * (1 - curve->relative[wide]) && (exact < 0) == (got < 0);
    long double bound = curve->relative[wide] * fabsl(exact) + curve->absolute[wide] + tiny;
    if (curve->per_operand[wide] > 0)
        bound += (long double)curve->per_operand[wide] * fabsl((long double)x);
    return fabsl((long double)got - exact) <= bound;
}

static bool curve_is_close(const struct words *target, const void *arg)
{
    const struct sweep *sweep = arg;
    struct target preset = target_preset(target->isa);
    if (target->dtype != sweep->dtype ||
        (target->lanes > 1 && target->lanes < target_lanes(&preset, target->dtype)))
        return true;
    struct plan plan = words_plan(target);
    words_run(
        &plan, emit_curve, sweep->curve,
        &(struct words_call){.dst = sweep->y, .src = sweep->x, .last = (sweep->count - 1) / target->lanes + 1});
    for (int i = 0; i < sweep->count; i++) {
        double x = element_get(sweep->dtype, sweep->x, i), got = element_get(sweep->dtype, sweep->y, i);
        if (!close_enough(sweep, x, got, sweep->exact[i]))
            return words_wrong(target, "%s of %.17g is %.17g, should be %.20Lg: %.3Lg of it off",
                               sweep->curve->name, x, got, sweep->exact[i],
                               fabsl(((long double)got - sweep->exact[i]) / sweep->exact[i]));
    }
    return true;
}

int curve_sweep(const struct curve *curve)
{
    int wrong = 0;
    for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++) {
        struct sweep sweep = sweep_open(curve, (cj_dtype)dtype);
        wrong += words_wrong_ones(curve_is_close, &sweep);
        sweep_close(&sweep);
    }
    return wrong;
}

void curve_values(const struct words *target, const struct curve *curve, const double *x, double *y, int count)
{
    double in[2 * SPARE] = {0}, out[2 * SPARE];
    assert_true(count <= SPARE);
    for (int i = 0; i < count; i++)
        element_put(target->dtype, in, i, x[i]);
    struct plan plan = words_plan(target);
    words_run(&plan, emit_curve, curve,
              &(struct words_call){.dst = out, .src = in, .last = (count - 1) / target->lanes + 1});
    for (int i = 0; i < count; i++)
        y[i] = element_get(target->dtype, out, i);
}
