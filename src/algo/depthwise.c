/* Plans for `depthwise`: see codegen/algo/depthwise.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    if (conv->ic != conv->groups)
        return "takes one input channel per group";
    return NULL;
}

/* Versions of the micro-kernel for the edges of a row: each is up to 3 KB of code. */
enum { MOST_EDGES = 4 };

/* Without a band, taps in the padding along W are left out of the tiles at the edges: whole rows then, one
 * version of the micro-kernel for each of these tiles, and taps that are all unrolled. */
static bool can_read_in_place(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct edges edges = grid_edges(plan);
    if (conv->pad_mode != CJ_PAD_ZEROS || conv->src.c != 1)
        return false;
    return !conv_axis_padded(conv, AXIS_W) ||
           (conv_phases(conv) == 1 && plan->unroll == conv->axis[AXIS_W].kernel &&
            edges.first + edges.last <= MOST_EDGES && grid_of_plan(plan).tile_units == 1);
}

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

enum { ENOUGH_UNITS = 8 };

/* The window should stay in L2; rows share most of their input, so columns are cut last. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes,
            cols = round_up(conv_most_outs(conv, AXIS_W), plan->tile_rows);
    int64_t rows = conv_most_outs(conv, AXIS_H);
    double budget = (double)target->l2 / 2;
    plan->block_oc = round_up(conv->groups, block);
    plan->block_rows = min64(rows, max64(1, rows / ENOUGH_UNITS));
    plan->block_cols = cols;
    while (plan->block_rows > 1 && band_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    while (plan->block_oc > block && band_bytes(plan) > budget)
        plan->block_oc = round_up(plan->block_oc / 2, block);
    while (plan->band && plan->block_cols > plan->tile_rows && band_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, plan->tile_rows);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
}

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes;
    choose_blocks(plan, target);
    if (plan->band)
        plan->scratch_bytes = round_up((int64_t)band_bytes(plan), 64);
    plan->pack = (struct pack){.axes = 6,
                               .axis = {{PACK_GROUP, ceil_div(conv->groups, block), block},
                                        {PACK_OC, conv->oc / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_GROUP, block, 1}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

/* Kernel rows up to this long are unrolled whole: 7 steps of a full tile are 84 multiply-adds, under 1 KB. */
enum { MOST_UNROLLED = 7 };

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    int64_t taps = conv_most_taps(conv, AXIS_W);
    struct plan plan = *base;
    plan.lanes = model_lanes(target, (cj_dtype)conv->dtype, conv->groups);
    plan.unroll = taps <= MOST_UNROLLED ? max64(taps, 1) : 4;
    for (plan.tile_vecs = 1; plan.tile_vecs <= 4; plan.tile_vecs++) {
        if ((plan.tile_vecs - 1) * plan.lanes >= conv->groups)
            break;
        plan.tile_rows = min64(model_tile_rows(target, plan.tile_vecs), conv_most_outs(conv, AXIS_W));
        for (plan.band = 0; plan.band <= 1; plan.band++) {
            struct plan whole = plan;
            finish(&whole, target);
            if (plan.band || can_read_in_place(&whole))
                sink->add(sink->sink, &whole);
        }
    }
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    double taps = 1, pixels = (double)conv_phases(conv), outputs = (double)(conv->oc / conv->groups);
    for (int a = 0; a < AXES; a++) {
        taps *= (double)conv_most_taps(conv, a);
        pixels *= (double)conv_most_outs(conv, a);
    }
    double rows = (double)plan->tile_rows, vecs = (double)plan->tile_vecs;
    double blocks = (double)ceil_div(conv->groups, plan->tile_vecs * plan->lanes);
    double tile = taps * model_step(target, rows, vecs, rows * vecs + vecs) + 20;
    int64_t row_step = conv_phase(conv, 0).axis[AXIS_W].out_step * conv->dst.axis[AXIS_W];
    tile += rows * vecs * model_store(plan, model_move(conv->dst.c * (conv->oc / conv->groups), row_step));
    double cycles = pixels / rows * blocks * outputs * tile;
    enum model_move how = model_move(conv->src.c, conv->src.axis[AXIS_W]);
    if (plan->band)
        cycles += (double)plan->units * model_copy(plan, (double)grid_band(plan).elements, how);
    return cycles / MODEL_HERTZ;
}

const struct algo algo_depthwise = {"depthwise", accepts, candidates, seconds};
