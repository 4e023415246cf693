/* Plans for `stencil`: see codegen/algo/stencil.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    if (conv->op == CJ_CONV_TRANSPOSE)
        return "computes no transposed convolution";
    if (conv->axis[AXIS_H].out == 1)
        return "shares input between output rows, this has one";
    return NULL;
}

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

enum { ENOUGH_UNITS = 8 }; /* per image, so that threads have work */

static int64_t count_units(const struct plan *plan)
{
    struct grid grid = grid_of_plan(plan);
    return grid_units(&grid);
}

/* A band is a few rows in half of L1, which are copied while they are hot and cost little to begin anew; whole
 * rows, whose padding is known, as long as L2 holds them. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t width = plan->tile_vecs * plan->lanes, size = plan->tile_rows;
    double rows_fit = (double)target->l1 / 2, columns_fit = (double)target->l2 / 2;
    plan->block_oc = conv->oc / conv->groups;
    plan->block_rows = round_up(conv->axis[AXIS_H].out, size);
    plan->block_cols = round_up(conv->axis[AXIS_W].out, width);
    while (plan->block_rows > size &&
           (count_units(plan) < ENOUGH_UNITS || (plan->band && band_bytes(plan) > rows_fit)))
        plan->block_rows = round_up(plan->block_rows / 2, size);
    while (plan->block_cols > width && plan->band && band_bytes(plan) > columns_fit)
        plan->block_cols = round_up(plan->block_cols / 2, width);
    plan->units = count_units(plan);
}

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    choose_blocks(plan, target);
    if (plan->band)
        plan->scratch_bytes = round_up((int64_t)band_bytes(plan), 64);
    plan->pack = (struct pack){.axes = 6,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, conv->oc / conv->groups, 1},
                                        {PACK_IC, conv->ic / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_H, 0, 0}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

enum { MOST_VECS = 8 };

static void add_shape(struct plan plan, const struct target *target, const struct candidates *sink)
{
    plan.unroll = model_stencil_unroll(&plan);
    for (plan.band = 0; plan.band <= 1; plan.band++) {
        struct plan whole = plan;
        if (!plan.band && !grid_stencil_in_place(&plan))
            continue;
        finish(&whole, target);
        sink->add(sink->sink, &whole);
    }
}

/* Sums in flight beside those of the target's own vectors: halves of vectors that it takes in two passes start
 * twice as often. */
static int64_t sums_in_flight(const struct plan *plan, const struct target *target)
{
    return plan->lanes < target_lanes(target, (cj_dtype)plan->conv.dtype) && target->passes > 1 ? 2 : 1;
}

static void add_lanes(struct plan plan, const struct target *target, const struct candidates *sink)
{
    int64_t cols = plan.conv.axis[AXIS_W].out, rows = plan.conv.axis[AXIS_H].out;
    for (plan.tile_vecs = 1; plan.tile_vecs <= MOST_VECS; plan.tile_vecs *= 2) {
        int64_t width = plan.tile_vecs * plan.lanes, rest = cols % width;
        int64_t most = model_stencil_rows(&plan, sums_in_flight(&plan, target));
        if (most < 1 || (rest && ceil_div(rest, plan.lanes) < plan.tile_vecs))
            continue;
        plan.tile_rows = tiles_even(rows, most).size;
        add_shape(plan, target, sink);
    }
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    struct plan plan = *base;
    plan.lanes = model_lanes(target, (cj_dtype)conv->dtype, conv->axis[AXIS_W].out);
    add_lanes(plan, target, sink);
    if (!model_halves(&plan, target, conv->axis[AXIS_W].out))
        return;
    plan.lanes /= 2;
    add_lanes(plan, target, sink);
}

/* Vectors of input that a tile loads for `taps` taps of one column. */
static double inputs_of(const struct plan *plan, double taps)
{
    const struct axis *h = &plan->conv.axis[AXIS_H];
    double rows = (double)plan->tile_rows, stride = (double)h->stride;
    double span = (rows - 1) * stride + (taps - 1) * (double)h->dilation + 1;
    return (double)plan->tile_vecs * (span < rows * taps ? span : rows * taps);
}

static double count_inputs(const struct plan *plan)
{
    int64_t taps = plan->conv.axis[AXIS_H].kernel, turn = grid_taps_in_turn(&plan->conv);
    double single = (double)(taps % turn) * inputs_of(plan, 1);
    return (double)(taps / turn) * inputs_of(plan, (double)turn) + single;
}

/* Input that all output channels of a group read again, for one row of tiles. */
static double reread_bytes(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    double rows = count_inputs(plan) / (double)plan->tile_vecs;
    double plane = rows * (double)(conv->axis[AXIS_W].in * dtype_bytes((cj_dtype)conv->dtype));
    return plane * (double)(conv->axis[AXIS_D].kernel * (conv->ic / conv->groups));
}

/* The part of all products of rows and taps that is computed: not those that lie outside, where that is known.
 */
static double computed_part(const struct plan *plan)
{
    const struct axis *h = &plan->conv.axis[AXIS_H];
    int64_t inside = 0;
    if (grid_rows_in_band(plan))
        return 1;
    for (int64_t tap = 0; tap < h->kernel; tap++) {
        int64_t ahead = tap * h->dilation - h->pad_lo; /* outputs with 0 <= row * stride + ahead < in */
        int64_t begin = clamp64(ceil_div(-ahead, h->stride), 0, h->out);
        inside += max64(clamp64(ceil_div(h->in - ahead, h->stride), 0, h->out) - begin, 0);
    }
    return (double)inside / (double)(h->out * h->kernel);
}

/* The masks of a turn read in place, and what it takes to begin another one. */
#define TURN_CYCLES 1.0

/* Cycles of one column of taps in all rows of a tile. Loads and sums are near each other, and a quarter of the
 * lesser shows (measured on Zen 4 for 3 to 7 rows of taps), beside a turn's masks. Loads from L2 take twice the
 * time. */
static double pass_cycles(const struct plan *plan, const struct target *target)
{
    double taps = (double)plan->conv.axis[AXIS_H].kernel, vecs = (double)plan->tile_vecs;
    double loads = count_inputs(plan) * model_unaligned(plan);
    loads *= reread_bytes(plan) > (double)target->l1 ? 2 : 1;
    double sums = model_step(target, (double)plan->tile_rows * taps, vecs, 0);
    double memory = model_step(target, 0, 0, loads + taps);
    int64_t turn = grid_taps_in_turn(&plan->conv), high = plan->conv.axis[AXIS_H].kernel;
    double turns = (double)(high / turn + high % turn);
    double cycles = sums > memory ? sums + memory / 4 : memory + sums / 4;
    return cycles * model_width(plan, target) * computed_part(plan) +
           TURN_CYCLES * (turns - (double)plan->band);
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    double passes = (double)(conv->axis[AXIS_D].kernel * conv->axis[AXIS_W].kernel * (conv->ic / conv->groups));
    double tiles = (double)(ceil_div(conv->axis[AXIS_H].out, plan->tile_rows) *
                            ceil_div(conv->axis[AXIS_W].out, plan->tile_vecs * plan->lanes) *
                            conv->axis[AXIS_D].out * conv->oc);
    double vectors = (double)(plan->tile_rows * plan->tile_vecs);
    double store = (model_store(plan, model_move(conv->dst.axis[AXIS_W], 0)) + 1) * model_width(plan, target);
    double cycles = tiles * (passes * pass_cycles(plan, target) + vectors * store + 10);
    enum model_move how = model_move(conv->src.axis[AXIS_W], conv->src.c);
    if (plan->band)
        cycles += (double)plan->units * model_copy(plan, (double)grid_band(plan).elements, how);
    struct edges edges = grid_row_edges(plan);
    return cycles * model_bodies(1 + edges.first + edges.last) / MODEL_HERTZ;
}

const struct algo algo_stencil = {"stencil", accepts, candidates, seconds};
