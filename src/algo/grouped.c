/* Plans for `grouped`: see codegen/algo/grouped.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

/* Channels of a group on its wider side. */
static int64_t widest(const struct conv *conv)
{
    return max64(conv->ic, conv->oc) / conv->groups;
}

static const char *accepts(const struct conv *conv, const struct target *target)
{
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    if (conv->op == CJ_CONV_TRANSPOSE)
        return "computes no transposed convolution";
    if (conv->groups == 1 || 2 * widest(conv) > target_lanes(target, (cj_dtype)conv->dtype))
        return "takes two or more groups that fit a vector together";
    if (conv->oc == conv->groups)
        return "takes groups of more than one output channel";
    return NULL;
}

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

static int64_t count_units(const struct plan *plan)
{
    struct grid grid = grid_of_plan(plan);
    return grid_units(&grid);
}

/* Units per image, so that threads have work; and times that a band is as high as the rows it repeats. */
enum { ENOUGH_UNITS = 8, ROWS_PER_OVERLAP = 4 };

/* A band should stay in L2: it is cut by blocks of groups first, since rows overlap, and by columns last. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t rows = conv->axis[AXIS_H].out, block = plan->lanes / widest(conv);
    int64_t overlap = (conv->axis[AXIS_H].kernel - 1) * conv->axis[AXIS_H].dilation;
    int64_t least = plan->band ? clamp64(ROWS_PER_OVERLAP * overlap, 1, rows) : 1;
    double budget = (double)target->l2 / 2;
    plan->block_oc = round_up(conv->groups, block);
    plan->block_rows = clamp64(rows / ENOUGH_UNITS, least, rows);
    plan->block_cols = round_up(conv->axis[AXIS_W].out, plan->tile_rows);
    while (plan->block_oc > block &&
           ((plan->band && band_bytes(plan) > budget) || count_units(plan) < ENOUGH_UNITS))
        plan->block_oc = round_up(plan->block_oc / 2, block);
    while (plan->band && plan->block_rows > 1 && band_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    while (plan->band && plan->block_cols > plan->tile_rows && band_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, plan->tile_rows);
    plan->units = count_units(plan);
}

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t out = conv->oc / conv->groups, block = plan->lanes / widest(conv);
    choose_blocks(plan, target);
    if (plan->band)
        plan->scratch_bytes = round_up((int64_t)band_bytes(plan), 64);
    plan->pack = (struct pack){.axes = 7,
                               .axis = {{PACK_GROUP, ceil_div(conv->groups, block), block},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_IC, conv->ic / conv->groups, 1},
                                        {PACK_GROUP, block, 1},
                                        {PACK_OC, out, 1}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

/* Registers that a turn takes: sums, pixels as loaded and as shuffled, a weight and a product. */
static int64_t registers_used(const struct plan *plan)
{
    const struct axis *w = &plan->conv.axis[AXIS_W];
    int64_t span = (plan->tile_rows - 1) * w->stride + (plan->unroll - 1) * w->dilation + 1;
    int64_t pixels = plan->unroll > 1 ? min64(span, plan->tile_rows * plan->unroll) : 1;
    return plan->tile_rows + 2 * pixels + 2;
}

/* Multiply-adds of a turn: 128 are 1.5 KB of code with their shuffles. 8 sums hide the latency of each. */
enum { MOST_IN_TURN = 128, MOST_ROWS = 8 };

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    const struct axis *w = &conv->axis[AXIS_W];
    struct plan plan = *base;
    bool in_place = conv->pad_mode == CJ_PAD_ZEROS && conv->src.c == 1 && !conv->src.block &&
                    !conv_axis_padded(conv, AXIS_W);
    plan.lanes = target_lanes(target, (cj_dtype)conv->dtype);
    plan.tile_vecs = 1;
    for (int64_t most = min64(MOST_ROWS, w->out); most >= 1; most--) {
        plan.tile_rows = tiles_even(w->out, most).size;
        for (plan.unroll = w->kernel; plan.unroll >= 1; plan.unroll--) {
            bool fits = registers_used(&plan) <= isa_info(target->isa)->registers &&
                        plan.unroll * plan.tile_rows * (conv->ic / conv->groups) <= MOST_IN_TURN;
            if (w->kernel % plan.unroll || (plan.unroll > 1 && !fits))
                continue;
            for (plan.band = !in_place; plan.band <= 1; plan.band++) {
                struct plan whole = plan;
                finish(&whole, target);
                sink->add(sink->sink, &whole);
            }
        }
    }
}

/* Cycles of a turn: a shuffle takes half as much of the units that multiply as a product does (Zen 4 has three
 * units for both, of which two multiply and two shuffle). Few sums wait for each other. */
static double turn_cycles(const struct plan *plan, const struct target *target)
{
    const struct axis *w = &plan->conv.axis[AXIS_W];
    double rows = (double)plan->tile_rows, steps = (double)(plan->conv.ic / plan->conv.groups);
    double span = (rows - 1) * (double)w->stride + (double)((plan->unroll - 1) * w->dilation) + 1;
    double products = rows * (double)plan->unroll;
    double pixels = span < products ? span : products;
    double waits = rows < 8 ? 8 / rows : 1;
    waits = waits > 1 && plan->unroll > 1 ? 1 + (waits - 1) / 2 : waits;
    return model_step(target, (products * waits + pixels / 2) * steps, 1,
                      pixels + (double)plan->unroll * steps);
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    double pixels = 1, turns = (double)conv->axis[AXIS_W].kernel / (double)plan->unroll;
    for (int a = 0; a < AXES; a++)
        pixels *= (double)conv->axis[a].out;
    turns *= (double)(conv->axis[AXIS_D].kernel * conv->axis[AXIS_H].kernel);
    struct channel_block channels = grid_channels(plan);
    double rows = (double)plan->tile_rows, blocks = (double)ceil_div(channels.channels, channels.block);
    double tile = turns * turn_cycles(plan, target) + 20;
    tile += rows * model_store(plan, model_move(conv->dst.c, conv->dst.axis[AXIS_W]));
    double cycles = pixels / rows * blocks * tile;
    enum model_move how = model_move(conv->src.c, conv->src.axis[AXIS_W]);
    if (plan->band)
        cycles += (double)plan->units * model_copy(plan, (double)grid_band(plan).elements, how);
    return cycles / MODEL_HERTZ;
}

const struct algo algo_grouped = {"grouped", accepts, candidates, seconds};
