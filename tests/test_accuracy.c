/* label: full */
/* How far `direct` and each size of Winograd's filters are from double precision, over up to 2048 channels: the
 * README states these numbers, and this test holds them to it and prints its table. f32, 16 outputs of 14x14.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/algo.h"
#include "../src/arith.h"
#include "../src/grid.h"
#include "../src/winograd.h"
#include "support/random.h"
#include "words/trials.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 16, SIZE = 14, KERNELS = 7, MOST_OUTS = 6, POINTS = 4 };

static const int64_t inputs[] = {16, 64, 256, 1024, 2048};

static const struct {
    const char *name;
    int64_t kernel[2], stride[2];
} kernels[KERNELS] = {
    {"2x2", {2, 2}, {1, 1}},          {"3x3", {3, 3}, {1, 1}}, {"5x5", {5, 5}, {1, 1}},
    {"7x7", {7, 7}, {1, 1}},          {"1x3", {1, 3}, {1, 1}}, {"3x3 stride 2", {3, 3}, {2, 2}},
    {"7x7 stride 2", {7, 7}, {2, 2}},
};

/* Points along a transformed axis, 0 for direct; the largest errors allowed, as parts of the largest output and
 * of the largest sum of magnitudes. About twice what was seen. */
static const struct bound {
    int points;
    double of_outputs, of_sums;
} bounds[POINTS] = {{0, 2.5e-5, 6e-7}, {4, 6e-6, 3e-7}, {6, 3.5e-5, 1.5e-6}, {8, 1.3e-4, 4e-6}};

/* ---- Plans ---- */

struct first {
    struct plan plan;
    bool kept;
};

static void keep_first(void *sink, const struct plan *plan)
{
    struct first *first = sink;
    if (!first->kept)
        first->plan = *plan;
    first->kept = true;
}

static struct plan plan_of(const struct conv *conv, enum algo_id id)
{
    struct target target = target_preset(CJ_ISA_AVX2);
    struct plan base = {.conv = *conv, .isa = target.isa, .algo = id};
    struct first first = {.kept = false};
    assert_null(algo_row(id)->accepts(conv, &target));
    algo_row(id)->candidates(&base, &target, &(struct candidates){keep_first, &first});
    return first.plan;
}

static int64_t outs_of(const struct conv *conv, int axis, int points)
{
    int64_t taps = winograd_axis(conv, axis).taps;
    return taps == 1 ? 1 : points - taps + 1;
}

/* A plan with tiles of so many points, all of the image in one unit; false if a tile would have no two outputs.
 */
static bool plan_with(const struct conv *conv, int points, struct plan *plan)
{
    *plan = plan_of(conv, points ? ALGO_winograd : ALGO_direct);
    if (!points)
        return true;
    plan->wino_rows = outs_of(conv, AXIS_H, points);
    plan->wino_cols = outs_of(conv, AXIS_W, points);
    if (plan->wino_cols < 2 || plan->wino_rows < 1 || plan->wino_cols > MOST_OUTS)
        return false;
    plan->block_rows = round_up(SIZE, plan->wino_rows);
    plan->block_cols = round_up(SIZE, plan->wino_cols);
    plan->block_oc = round_up(CHANNELS, plan->tile_vecs * plan->lanes);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
    plan->scratch_bytes = round_up(winograd_scratch(plan).elements * (int64_t)sizeof(float), 64);
    plan->packed_bytes = round_up(winograd_weights(plan).elements * (int64_t)sizeof(float), 64);
    return true;
}

/* ---- The problem ---- */

struct tensors {
    float *src, *weight, *dst;
    double *want, *sums; /* the outputs, and sums of magnitudes */
};

static double uniform(unsigned *state, double low)
{
    return low + (1 - low) * (random_next(state) % 65536 + random_next(state) % 65536 / 65536.0) / 65536;
}

static float *filled(int64_t count, double low, unsigned seed)
{
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)uniform(&seed, low);
    return values;
}

/* One output from the definition. */
static void define(const struct conv *conv, struct tensors *t, int64_t oc, int64_t y, int64_t x)
{
    const struct axis *h = &conv->axis[AXIS_H], *w = &conv->axis[AXIS_W];
    double sum = 0, magnitude = 0;
    for (int64_t i = 0; i < h->kernel; i++)
        for (int64_t j = 0; j < w->kernel; j++) {
            int64_t row = y * h->stride + i - h->pad_lo, col = x * w->stride + j - w->pad_lo;
            if (row < 0 || row >= h->in || col < 0 || col >= w->in)
                continue;
            for (int64_t c = 0; c < conv->ic; c++) {
                double term = (double)t->src[(row * w->in + col) * conv->ic + c] *
                              t->weight[((oc * conv->ic + c) * h->kernel + i) * w->kernel + j];
                sum += term;
                magnitude += fabs(term);
            }
        }
    int64_t at = (y * w->out + x) * conv->oc + oc;
    t->want[at] = sum;
    t->sums[at] = magnitude;
}

static void define_all(const struct conv *conv, struct tensors *t)
{
    for (int64_t oc = 0; oc < conv->oc; oc++)
        for (int64_t y = 0; y < conv->axis[AXIS_H].out; y++)
            for (int64_t x = 0; x < conv->axis[AXIS_W].out; x++)
                define(conv, t, oc, y, x);
}

static int64_t outputs_of(const struct conv *conv)
{
    return conv->oc * conv->axis[AXIS_H].out * conv->axis[AXIS_W].out;
}

static struct tensors tensors_of(const struct conv *conv, double low)
{
    const struct axis *h = &conv->axis[AXIS_H], *w = &conv->axis[AXIS_W];
    size_t outputs = (size_t)outputs_of(conv);
    struct tensors t = {.src = filled(conv->ic * h->in * w->in, low, 7),
                        .weight = filled(conv->oc * conv->ic * h->kernel * w->kernel, -1, 8),
                        .dst = calloc(outputs, sizeof(float)),
                        .want = calloc(outputs, sizeof(double)),
                        .sums = calloc(outputs, sizeof(double))};
    define_all(conv, &t);
    return t;
}

static void free_tensors(struct tensors *t)
{
    free(t->src);
    free(t->weight);
    free(t->dst);
    free(t->want);
    free(t->sums);
}

/* ---- Errors ---- */

struct error {
    double of_outputs, of_sums;
};

static struct error error_of(const struct conv *conv, const struct tensors *t)
{
    double error = 0, output = 0, sum = 0;
    for (int64_t i = 0; i < outputs_of(conv); i++) {
        error = fmax(error, fabs(t->dst[i] - t->want[i]));
        output = fmax(output, fabs(t->want[i]));
        sum = fmax(sum, t->sums[i]);
    }
    return (struct error){error / output, error / sum};
}

static void emit_plan(struct em *em, const struct plan *plan, const void *arg)
{
    (void)arg;
    if (plan->wino_cols)
        emit_winograd(em, plan);
    else
        emit_direct(em, plan);
}

static struct error run_plan(const struct plan *plan, struct tensors *t)
{
    void *packed = aligned_alloc(64, (size_t)plan->packed_bytes), *scratch = NULL;
    if (plan->scratch_bytes)
        scratch = aligned_alloc(64, (size_t)plan->scratch_bytes);
    assert_non_null(packed);
    pack_weights(plan, t->weight, NULL, packed);
    words_run(plan, emit_plan, NULL,
              &(struct words_call){
                  .dst = t->dst, .src = t->src, .weights = packed, .scratch = scratch, .last = plan->units});
    free(packed);
    free(scratch);
    return error_of(&plan->conv, t);
}

/* ---- The table ---- */

static struct conv conv_of(int kernel, int64_t channels)
{
    cj_conv_desc desc = {
        .in_channels = channels, .out_channels = CHANNELS, .input_layout = CJ_NHWC, .output_layout = CJ_NHWC};
    for (int a = 0; a < 2; a++) {
        desc.kernel[a] = kernels[kernel].kernel[a];
        desc.stride[a] = kernels[kernel].stride[a];
        desc.pad_lo[a] = desc.kernel[a] / 2;
        desc.pad_hi[a] = (desc.kernel[a] - 1) / 2;
        desc.input[a] = SIZE * desc.stride[a];
    }
    struct conv conv;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    return conv;
}

/* The largest errors over all numbers of channels, by points. */
static void measure(int kernel, double low, struct error errors[POINTS])
{
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct conv conv = conv_of(kernel, inputs[i]);
        struct tensors t = tensors_of(&conv, low);
        for (int k = 0; k < POINTS; k++) {
            struct plan plan;
            if (!plan_with(&conv, bounds[k].points, &plan))
                continue;
            struct error error = run_plan(&plan, &t);
            errors[k].of_outputs = fmax(errors[k].of_outputs, error.of_outputs);
            errors[k].of_sums = fmax(errors[k].of_sums, error.of_sums);
        }
        free_tensors(&t);
    }
}

static void print_row(int kernel, int k, const struct error *of_signs, const struct error *of_positives)
{
    char name[64] = "plain sum";
    struct conv conv = conv_of(kernel, 16);
    if (bounds[k].points)
        snprintf(name, sizeof name, "F(%dx%d, %dx%d)", (int)outs_of(&conv, AXIS_H, bounds[k].points),
                 (int)outs_of(&conv, AXIS_W, bounds[k].points), (int)winograd_axis(&conv, AXIS_H).taps,
                 (int)winograd_axis(&conv, AXIS_W).taps);
    printf("| %s | %s | %.1e | %.1e | %.1e | %.1e |\n", kernels[kernel].name, name, of_signs->of_outputs,
           of_positives->of_outputs, of_signs->of_sums, of_positives->of_sums);
}

static void errors_are_as_stated(void **state)
{
    (void)state;
    int wrong = 0;
    for (int kernel = 0; kernel < KERNELS; kernel++) {
        struct error of_signs[POINTS] = {0}, of_positives[POINTS] = {0};
        measure(kernel, -1, of_signs);
        measure(kernel, 0, of_positives);
        for (int k = 0; k < POINTS; k++) {
            if (of_signs[k].of_outputs == 0)
                continue;
            print_row(kernel, k, &of_signs[k], &of_positives[k]);
            wrong += !(fmax(of_signs[k].of_outputs, of_positives[k].of_outputs) <= bounds[k].of_outputs);
            wrong += !(fmax(of_signs[k].of_sums, of_positives[k].of_sums) <= bounds[k].of_sums);
        }
    }
    assert_int_equal(wrong, 0);
}

/* ---- Overflow ---- */

/* Signs that the row of B^T with the largest coefficients adds up, at the window of the second tile. */
static void set_signs(const struct plan *plan, double sign[SIZE])
{
    struct winograd w = winograd_matrices(plan->wino_rows, 3);
    double most = 0;
    for (int i = 0; i < SIZE; i++)
        sign[i] = 1;
    for (int i = 0; i < w.alpha; i++) {
        double sum = 0;
        for (int k = 0; k < w.alpha; k++)
            sum += fabs(w.input[i][k]);
        for (int k = 0; k < w.alpha && sum > most; k++)
            sign[plan->wino_rows - 1 + k] = w.input[i][k] < 0 ? -1 : 1;
        most = fmax(most, sum);
    }
}

/* The errors of 3x3 on inputs of one magnitude, with the worst signs, and small weights. */
static struct error error_of_large(int points, double magnitude)
{
    struct conv conv = conv_of(1, 16);
    struct tensors t = tensors_of(&conv, -1);
    struct plan plan, signs_for;
    double sign[SIZE];
    assert_true(plan_with(&conv, points, &plan) && plan_with(&conv, points ? points : 8, &signs_for));
    set_signs(&signs_for, sign);
    for (int64_t i = 0; i < SIZE * SIZE * conv.ic; i++)
        t.src[i] = (float)(magnitude * sign[i / conv.ic / SIZE] * sign[i / conv.ic % SIZE]);
    for (int64_t i = 0; i < CHANNELS * conv.ic * 9; i++)
        t.weight[i] *= 1e-4F;
    define_all(&conv, &t);
    struct error error = run_plan(&plan, &t);
    for (int64_t i = 0; i < outputs_of(&conv); i++)
        error.of_sums = isfinite(t.dst[i]) ? error.of_sums : INFINITY;
    free_tensors(&t);
    return error;
}

/* The README's bound; a little above it eight points do overflow, and a plain sum does not. */
static void inputs_up_to_the_stated_size_do_not_overflow(void **state)
{
    (void)state;
    for (int k = 0; k < POINTS; k++)
        assert_true(error_of_large(bounds[k].points, 1.5e36).of_sums <= bounds[k].of_sums);
    assert_true(error_of_large(8, 1.6e36).of_sums > FLT_MAX);
    assert_true(error_of_large(0, 3e38).of_sums <= bounds[0].of_sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors_are_as_stated),
                                       cmocka_unit_test(inputs_up_to_the_stated_size_do_not_overflow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
