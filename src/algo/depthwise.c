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

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

/* Units per image, so that threads have work; channels that a unit has at least, for the sake of runs of two
 * lines in memory; and times that a band is as high as the rows it repeats. */
enum { ENOUGH_UNITS = 8, LEAST_CHANNELS = 32, ROWS_PER_OVERLAP = 4 };

/* Channels that units take whole: those of a tile, and blocks of the input's layout. */
static int64_t channel_step(const struct plan *plan)
{
    return max64(plan->tile_vecs * plan->lanes, plan->conv.src.block);
}

static void halve_channels(struct plan *plan)
{
    plan->block_oc = round_up(plan->block_oc / 2, channel_step(plan));
}

static bool can_halve_channels(const struct plan *plan)
{
    return plan->block_oc >
           (grid_walks_blocks(plan) ? channel_step(plan) : max64(channel_step(plan), LEAST_CHANNELS));
}

static int64_t count_units(const struct plan *plan)
{
    struct grid grid = grid_of_plan(plan);
    return grid_units(&grid);
}

/* A band should stay in L2: it is cut by channels first, since it copies again what neighbouring rows share,
 * and by columns last. In place, channels stay together, so that memory is read in long runs. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t rows = conv_most_outs(conv, AXIS_H), taps = conv_most_taps(conv, AXIS_H);
    int64_t overlap = max64(taps - 1, 0) * conv_axis_phase(conv, AXIS_H, 0).off_step;
    double budget = (double)target->l2 / 2;
    plan->block_oc = round_up(conv->groups, channel_step(plan));
    int64_t least = plan->band ? max64(ROWS_PER_OVERLAP * overlap, 1) : 1;
    plan->block_rows = clamp64(rows / ENOUGH_UNITS, least, rows);
    if (grid_walks_blocks(plan))
        plan->block_rows = rows;
    if (grid_rows_pair(plan))
        plan->block_rows = round_up(plan->block_rows, 2);
    plan->block_cols = round_up(conv_most_outs(conv, AXIS_W), plan->tile_rows);
    while (can_halve_channels(plan) &&
           ((plan->band && band_bytes(plan) > budget) || count_units(plan) < ENOUGH_UNITS))
        halve_channels(plan);
    if (grid_walks_blocks(plan) && count_units(plan) < ENOUGH_UNITS)
        plan->block_rows =
            round_up(ceil_div(rows, ceil_div(ENOUGH_UNITS, count_units(plan))), grid_rows_pair(plan) ? 2 : 1);
    while (plan->band && plan->block_rows > 1 && band_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    while (plan->band && plan->block_cols > plan->tile_rows && band_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, plan->tile_rows);
    plan->units = count_units(plan);
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

/* Where registers are many, one vector of channels: a tile then has more pixels, which share more of their
 * input; but two where the pixels of two rows crowd into few sets of L1: there a line is gone before its
 * neighbour is fetched, unless both are fetched as a pair (Zen 4: 64% of peak against 56% on 512 channels). */
static bool suits(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    cj_isa isa = (cj_isa)plan->isa;
    int64_t pixels = 2 * model_depthwise_rows(isa, 1, conv_most_outs(conv, AXIS_W));
    bool alias = !plan->band && grid_pixels_alias(conv, conv->src.axis[AXIS_W], pixels);
    if ((plan->tile_vecs - 1) * plan->lanes >= conv->groups)
        return false;
    if (alias && conv->groups > plan->lanes)
        return plan->tile_vecs == 2;
    return plan->tile_vecs == 1 || isa_info(isa)->registers < 32;
}

enum { MOST_VECS = 2 };

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    int64_t taps = conv_most_taps(conv, AXIS_W), cols = conv_most_outs(conv, AXIS_W);
    struct plan plan = *base;
    plan.lanes = model_channel_lanes(target, conv, conv->groups);
    plan.unroll = model_depthwise_unroll(target->isa, taps);
    for (plan.tile_vecs = 1; plan.tile_vecs <= MOST_VECS; plan.tile_vecs++) {
        plan.tile_rows = model_depthwise_rows(target->isa, plan.tile_vecs, cols);
        for (plan.band = 0; plan.band <= 1; plan.band++) {
            struct plan whole = plan;
            finish(&whole, target);
            if (suits(&plan) && (plan.band || grid_can_drop_band(&whole)))
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
