#include "winograd.h"

#include "arith.h"
#include "grid.h"

#include <assert.h>

/* The points of each pair, for 4, 6 and 8 points in all: errors grow with the powers of points and of their
 * inverses, and with the differences that they leave. Measured over 2048 channels (tests/test_accuracy.c), the
 * roots of 2 and 1/2 leave a quarter of the error of 1 and 2; no three pairs are better than 1, 2 and 1/2. */
static const double pairs[][WINOGRAD_MOST / 2 - 1] = {
    {1}, {1.41421356237309504880, 0.70710678118654752440}, {1, 2, 0.5}};

static double finite_point(int alpha, int index)
{
    assert(alpha >= 4 && alpha <= WINOGRAD_MOST && index < alpha - 1);
    if (index == 0)
        return 0;
    double p = pairs[alpha / 2 - 2][(index - 1) / 2];
    return index % 2 ? p : -p;
}

/* Coefficients, lowest first, of the product of (x - point) over the finite points but `left_out`. */
static void product_of_points(int alpha, int left_out, double coefficient[WINOGRAD_MOST])
{
    int degree = 0;
    coefficient[0] = 1;
    for (int i = 0; i < alpha - 1; i++) {
        if (i == left_out)
            continue;
        coefficient[degree + 1] = 0;
        for (int k = degree + 1; k > 0; k--)
            coefficient[k] = coefficient[k - 1] - finite_point(alpha, i) * coefficient[k];
        coefficient[0] *= -finite_point(alpha, i);
        degree++;
    }
}

static double power(double base, int exponent)
{
    double result = 1;
    for (int i = 0; i < exponent; i++)
        result *= base;
    return result;
}

/* Row `i` of B^T and G: the factor by which Lagrange's polynomials are scaled stays with the weights, so that
 * the input's coefficients are few and short. */
static void set_finite_point(struct winograd *w, int i)
{
    int finite = w->alpha - 1;
    double scale = 1;
    for (int k = 0; k < finite; k++)
        scale *= k == i ? 1 : finite_point(w->alpha, i) - finite_point(w->alpha, k);
    product_of_points(w->alpha, i, w->input[i]);
    for (int k = 0; k < w->taps; k++)
        w->weight[i][k] = power(finite_point(w->alpha, i), k) / scale;
    for (int k = 0; k < w->outs; k++)
        w->output[k][i] = power(finite_point(w->alpha, i), k);
}

struct winograd winograd_matrices(int64_t outs, int64_t taps)
{
    struct winograd w = {.alpha = outs == 1 ? 1 : (int)(outs + taps - 1), .outs = (int)outs, .taps = (int)taps};
    if (outs == 1) {
        w.taps = 1;
        w.input[0][0] = w.weight[0][0] = w.output[0][0] = 1;
        return w;
    }
    for (int i = 0; i < w.alpha / 2 - 1; i++)
        w.point[i] = finite_point(w.alpha, 2 * i + 1);
    for (int i = 0; i < w.alpha - 1; i++)
        set_finite_point(&w, i);
    int infinity = w.alpha - 1;
    product_of_points(w.alpha, -1, w.input[infinity]);
    w.weight[infinity][w.taps - 1] = 1;
    w.output[w.outs - 1][infinity] = 1;
    return w;
}

struct winograd_axis winograd_axis(const struct conv *conv, int axis)
{
    struct phase_axis p = conv_axis_phase(conv, axis, 0);
    if (p.in_step > 1)
        return (struct winograd_axis){min64(p.in_step, p.taps), ceil_div(p.taps, p.in_step), p.in_step, 1};
    int64_t taps = conv_most_taps(conv, axis), step = taps > 1 ? p.off_step : 1;
    return (struct winograd_axis){1, taps, step, step};
}

int64_t winograd_axis_points(const struct plan *plan, int axis)
{
    int64_t outs = axis == AXIS_H ? plan->wino_rows : plan->wino_cols;
    return outs == 1 ? 1 : outs + winograd_axis(&plan->conv, axis).taps - 1;
}

int64_t winograd_planes(const struct conv *conv)
{
    return conv_most_taps(conv, AXIS_D) * winograd_axis(conv, AXIS_H).parts * winograd_axis(conv, AXIS_W).parts;
}

int64_t winograd_points(const struct plan *plan)
{
    return winograd_axis_points(plan, AXIS_H) * winograd_axis_points(plan, AXIS_W);
}

/* Elements from one point to the next: one line more where the points of a tile, which are written and read
 * together, would crowd into few sets of L1. */
static int64_t skewed(const struct plan *plan, int64_t elements)
{
    int64_t line = L1_LINE_BYTES / dtype_bytes((cj_dtype)plan->conv.dtype);
    elements = round_up(elements, line);
    return grid_pixels_alias(&plan->conv, elements, winograd_points(plan)) ? elements + line : elements;
}

struct winograd_scratch winograd_scratch(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct grid grid = grid_of_plan(plan);
    struct winograd_scratch s = {0};
    int64_t line = L1_LINE_BYTES / dtype_bytes((cj_dtype)conv->dtype);
    int64_t points = winograd_points(plan);
    s.unit_tiles = ceil_div(plan->block_rows, plan->wino_rows) * grid.unit_tiles;
    s.tiles = round_up(max64(plan->images, 1) * s.unit_tiles, plan->tile_rows);
    s.plane = round_up(conv->ic / conv->groups, plan->lanes);
    s.v_tile = round_up(winograd_planes(conv) * s.plane, line);
    if (grid_pixels_alias(conv, s.v_tile, plan->tile_rows))
        s.v_tile += line;
    s.v_point = skewed(plan, s.tiles * s.v_tile);
    s.m_tile = grid.unit_blocks * plan->tile_vecs * plan->lanes;
    s.m_point = skewed(plan, s.tiles * s.m_tile);
    s.y_row = grid.unit_tiles * plan->wino_cols * plan->lanes;
    /* Vectors of the last pixel's last channels read behind the band. */
    s.v = plan->band ? round_up(grid_band(plan).elements + plan->lanes, line) : 0;
    s.m = s.v + points * s.v_point;
    s.y = s.m + points * s.m_point;
    s.elements = s.y + plan->wino_rows * s.y_row;
    return s;
}

struct winograd_weights winograd_weights(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes, blocks = ceil_div(conv->oc / conv->groups, block);
    struct winograd_weights w;
    w.block = winograd_planes(conv) * (conv->ic / conv->groups) * block;
    w.point = blocks * w.block;
    w.group = w.point * winograd_points(plan);
    w.phase = w.group * conv->groups;
    w.elements = w.phase * conv_phases(conv);
    return w;
}
