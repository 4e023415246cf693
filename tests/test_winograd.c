/* Winograd's matrices against the correlation that they stand for, and the places of its blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/grid.h"
#include "../src/winograd.h"
#include "support/random.h"
#include "support/sample.h"

#include <math.h>
#include <string.h>

/* ---- Matrices ---- */

/* sum over k of row[k] * x[k]. */
static double product(const double *row, const double *x, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += row[k] * x[k];
    return sum;
}

static double some(unsigned *state)
{
    return (double)(random_next(state) % 2001) / 1000 - 1;
}

static void correlate(const struct winograd *w, const double *d, const double *g, double *y)
{
    double m[WINOGRAD_MOST];
    for (int i = 0; i < w->alpha; i++)
        m[i] = product(w->weight[i], g, w->taps) * product(w->input[i], d, w->alpha);
    for (int i = 0; i < w->outs; i++)
        y[i] = product(w->output[i], m, w->alpha);
}

/* Each size, some random signals. Errors of double precision are far below 1e-12 for numbers of about 1. */
static void they_are_correlations(void **state)
{
    (void)state;
    unsigned s = 1;
    for (int alpha = 4; alpha <= WINOGRAD_MOST; alpha += 2)
        for (int taps = 2; taps < alpha; taps++) {
            int outs = alpha - taps + 1;
            struct winograd w = winograd_matrices(outs, taps);
            assert_int_equal(w.alpha, alpha);
            for (int trial = 0; trial < 20; trial++) {
                double d[WINOGRAD_MOST], g[WINOGRAD_MOST], y[WINOGRAD_MOST];
                for (int i = 0; i < alpha; i++)
                    d[i] = some(&s), g[i] = some(&s);
                correlate(&w, d, g, y);
                for (int i = 0; i < outs; i++)
                    if (!(fabs(y[i] - product(g, d + i, taps)) < 1e-12))
                        fail_msg("F(%d, %d): output %d is %g, should be %g", outs, taps, i, y[i],
                                 product(g, d + i, taps));
            }
        }
}

/* What codegen/transform.c makes use of. */
static void points_come_in_pairs(void **state)
{
    (void)state;
    for (int alpha = 4; alpha <= WINOGRAD_MOST; alpha += 2) {
        struct winograd w = winograd_matrices(alpha - 2, 3);
        for (int pair = 0; pair < alpha / 2 - 1; pair++)
            for (int k = 0; k < alpha; k++) {
                int sign = k % 2 ? -1 : 1, row = 2 * pair + 1;
                assert_true(fabs(w.input[row + 1][k] - sign * w.input[row][k]) < 1e-15);
                if (k < w.outs)
                    assert_true(w.output[k][row + 1] == sign * w.output[k][row]);
            }
        for (int k = 1; k < alpha; k += 2)
            assert_true(w.input[0][k] == 0 && w.input[alpha - 1][k - 1] == 0);
    }
}

static void one_output_is_no_transform(void **state)
{
    (void)state;
    struct winograd w = winograd_matrices(1, 1);
    assert_int_equal(w.alpha, 1);
    assert_true(w.input[0][0] == 1 && w.weight[0][0] == 1 && w.output[0][0] == 1);
}

/* ---- Axes ---- */

static struct conv conv_of(cj_conv_desc desc)
{
    struct conv conv;
    desc.in_channels = desc.out_channels = 8;
    desc.input[0] = desc.input[1] = 20;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    return conv;
}

static void an_axis_has_parts_or_steps(void **state)
{
    (void)state;
    static const struct {
        cj_conv_desc desc;
        struct winograd_axis want; /* of axis H */
    } rows[] = {
        {{.kernel = {3, 3}}, {1, 3, 1, 1}},
        {{.kernel = {3, 3}, .dilation = {2, 1}}, {1, 3, 2, 2}},
        {{.kernel = {3, 3}, .stride = {2, 1}}, {2, 2, 2, 1}},
        {{.kernel = {7, 3}, .stride = {2, 1}}, {2, 4, 2, 1}},
        {{.kernel = {2, 3}, .stride = {3, 1}}, {2, 1, 3, 1}},
        {{.kernel = {1, 3}}, {1, 1, 1, 1}},
        {{.op = CJ_CONV_TRANSPOSE, .kernel = {3, 3}}, {1, 3, 1, 1}},
        {{.op = CJ_CONV_TRANSPOSE, .kernel = {4, 3}, .stride = {2, 1}}, {1, 2, 1, 1}},
        {{.op = CJ_CONV_TRANSPOSE, .kernel = {3, 3}, .stride = {2, 1}}, {1, 2, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conv conv = conv_of(rows[i].desc);
        struct winograd_axis got = winograd_axis(&conv, AXIS_H);
        if (memcmp(&got, &rows[i].want, sizeof got) != 0)
            fail_msg("row %zu: %lld parts of %lld taps, steps %lld and %lld", i, (long long)got.parts,
                     (long long)got.taps, (long long)got.step, (long long)got.out_step);
    }
}

/* ---- Places ---- */

/* Blocks lie one behind the other in the plan's scratch, and vectors of each keep to their own. */
static bool blocks_have_room(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (!plan->wino_cols)
        return true;
    struct winograd_scratch s = winograd_scratch(plan);
    int64_t points = winograd_points(plan), band = plan->band ? grid_band(plan).elements + plan->lanes : 0;
    int64_t images = plan->images > 1 ? plan->images : 1;
    if (s.v < band || s.m < s.v + points * s.v_point || s.y < s.m + points * s.m_point ||
        s.elements < s.y + plan->wino_rows * s.y_row)
        return sample_wrong(sample, "blocks overlap");
    if (s.elements * dtype_bytes((cj_dtype)plan->conv.dtype) > plan->scratch_bytes)
        return sample_wrong(sample, "scratch is too small");
    if (s.tiles % plan->tile_rows || s.tiles < images * s.unit_tiles || s.v_point < s.tiles * s.v_tile ||
        s.m_point < s.tiles * s.m_tile)
        return sample_wrong(sample, "tiles overlap");
    if (s.plane < plan->conv.ic / plan->conv.groups || s.plane % plan->lanes ||
        s.v_tile < winograd_planes(&plan->conv) * s.plane || s.m_tile < plan->block_oc)
        return sample_wrong(sample, "channels overlap");
    return true;
}

/* From the address alone: the sets that `points` lines fall on which lie so many elements apart. */
static bool is_crowded(const struct conv *conv, int64_t distance, int64_t points)
{
    int64_t bytes = distance * dtype_bytes((cj_dtype)conv->dtype), sets = L1_WAY_BYTES / L1_LINE_BYTES;
    int on[L1_WAY_BYTES / L1_LINE_BYTES] = {0}, most = 0;
    for (int64_t i = 0; i < points; i++) {
        int count = ++on[i * bytes / L1_LINE_BYTES % sets];
        most = count > most ? count : most;
    }
    return most > L1_WAYS / 2;
}

/* The points of a tile do not fall on the same sets of L1, and lie no further apart than that takes. */
static bool points_are_spread(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (!plan->wino_cols)
        return true;
    struct winograd_scratch s = winograd_scratch(plan);
    int64_t points = winograd_points(plan), line = L1_LINE_BYTES / dtype_bytes((cj_dtype)plan->conv.dtype);
    const int64_t needed[] = {s.tiles * s.v_tile, s.tiles * s.m_tile}, got[] = {s.v_point, s.m_point};
    for (int i = 0; i < 2; i++) {
        int64_t dense = (needed[i] + line - 1) / line * line;
        if (is_crowded(&plan->conv, got[i], points))
            return sample_wrong(sample, "points %lld elements apart crowd", (long long)got[i]);
        if (got[i] != (is_crowded(&plan->conv, dense, points) ? dense + line : dense))
            return sample_wrong(sample, "points are %lld elements apart without need", (long long)got[i]);
    }
    return true;
}

static bool weights_have_room(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (!plan->wino_cols)
        return true;
    const struct conv *conv = &plan->conv;
    struct winograd_weights w = winograd_weights(plan);
    int64_t block = plan->tile_vecs * plan->lanes, channels = conv->oc / conv->groups;
    bool right = w.block == winograd_planes(conv) * (conv->ic / conv->groups) * block &&
                 w.point == (channels + block - 1) / block * w.block &&
                 w.group == winograd_points(plan) * w.point && w.phase == conv->groups * w.group &&
                 w.elements == conv_phases(conv) * w.phase &&
                 w.elements * dtype_bytes((cj_dtype)conv->dtype) <= plan->packed_bytes;
    return right || sample_wrong(sample, "weights overlap");
}

static void blocks_lie_apart(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(61, 800, 40, blocks_have_room), 0);
    assert_int_equal(sample_plans(62, 200, 400, weights_have_room), 0);
    assert_int_equal(sample_plans(63, 400, 100, points_are_spread), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_correlations),      cmocka_unit_test(points_come_in_pairs),
        cmocka_unit_test(one_output_is_no_transform), cmocka_unit_test(an_axis_has_parts_or_steps),
        cmocka_unit_test(blocks_lie_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
