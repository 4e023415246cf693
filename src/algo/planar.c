/* Plans for `planar`: see codegen/algo/planar.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    return NULL;
}

/* Lanes are contiguous in the input itself, and no tap falls outside along W. */
static bool can_read_in_place(const struct conv *conv)
{
    bool contiguous =
        conv->src.axis[AXIS_W] == 1 && (conv->axis[AXIS_W].stride == 1 || conv->axis[AXIS_W].out == 1);
    return contiguous && conv->pad_mode == CJ_PAD_ZEROS && !conv_axis_padded(conv, AXIS_W);
}

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

enum { ENOUGH_UNITS = 8 };

static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t tile = plan->tile_vecs * plan->lanes, cols = round_up(conv_most_outs(conv, AXIS_W), tile);
    int64_t rows = conv_most_outs(conv, AXIS_H),
            row_limit = max64(1, ceil_div(rows * conv->groups, ENOUGH_UNITS));
    double budget = (double)target->l2 / 2;
    plan->block_oc = conv->oc / conv->groups;
    plan->block_rows = 1;
    plan->block_cols = cols;
    while (plan->block_cols > tile && band_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, tile);
    if (plan->block_cols == cols)
        plan->block_rows = min64(rows, row_limit);
    while (plan->block_rows > 1 && band_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    plan->block_oc = model_unit_channels(plan, ENOUGH_UNITS);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
}

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t rows = plan->tile_rows;
    choose_blocks(plan, target);
    if (plan->band)
        plan->scratch_bytes = round_up((int64_t)band_bytes(plan), 64);
    plan->pack = (struct pack){.axes = 7,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, ceil_div(conv->oc / conv->groups, rows), rows},
                                        {PACK_IC, conv->ic / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_OC, rows, 1}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

/* Kernel rows up to this long are unrolled whole: 8 steps of a full tile are 100 multiply-adds, under 1 KB. */
enum { MOST_UNROLLED = 8 };

static void add_shape(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *shape;
    for (plan.band = 0; plan.band <= 1; plan.band++) {
        if (!plan.band && !can_read_in_place(&shape->conv))
            continue;
        struct plan whole = plan;
        finish(&whole, target);
        sink->add(sink->sink, &whole);
    }
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    int64_t taps = conv_most_taps(conv, AXIS_W), channels = conv->oc / conv->groups;
    struct plan plan = *base;
    plan.lanes = model_lanes(target, (cj_dtype)conv->dtype, conv_most_outs(conv, AXIS_W));
    plan.unroll = taps <= MOST_UNROLLED ? max64(taps, 1) : 4;
    for (plan.tile_vecs = 1; plan.tile_vecs <= 6; plan.tile_vecs++) {
        if ((plan.tile_vecs - 1) * plan.lanes >= conv_most_outs(conv, AXIS_W))
            break;
        int64_t most = min64(model_tile_rows(target, plan.tile_vecs), channels);
        if (most < 1)
            break;
        plan.tile_rows = most;
        add_shape(&plan, target, sink);
        plan.tile_rows = model_even_rows(channels, most);
        if (plan.tile_rows != most)
            add_shape(&plan, target, sink);
    }
}

/* Cycles of one step in a tile. Taps beside the first one make loads of columns cross lines, beside which
 * a broadcast, a load of four bytes, takes half. */
static double step(const struct plan *plan, const struct target *target, double rows, double vecs)
{
    double each = conv_most_taps(&plan->conv, AXIS_W) > 1 ? model_unaligned(plan) : 1;
    double even = model_step(target, rows, vecs, rows + vecs);
    double crossing = model_step(target, rows, vecs, rows / 2 + vecs * each);
    return even > crossing ? even : crossing;
}

/* Cycles of one step over all columns of a row, for a tile of `rows` channels. */
static double row_step(const struct plan *plan, const struct target *target, double rows)
{
    double cols = (double)conv_most_outs(&plan->conv, AXIS_W), lanes = (double)plan->lanes;
    double vecs = (double)plan->tile_vecs, whole = (double)(int64_t)(cols / (lanes * vecs));
    double rest = (double)ceil_div((int64_t)(cols - whole * lanes * vecs), plan->lanes);
    double cycles = whole * step(plan, target, rows, vecs);
    cycles += rest > 0 ? step(plan, target, rows, rest) : 0;
    return cycles * model_width(plan, target);
}

/* Versions of the micro-kernel: whole tiles and the rest of a row, with whole and partial blocks of channels.
 */
static int64_t count_bodies(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t cols = conv_most_outs(conv, AXIS_W), tile = plan->tile_vecs * plan->lanes;
    int64_t channels = conv->oc / conv->groups;
    return ((cols >= tile) + (cols % tile > 0)) * (1 + (channels % plan->tile_rows > 0));
}

/* Columns picked apart by a stride take a load and a shuffle for each of the stride's residues. */
static double copy_cycles(const struct plan *plan, enum model_move how)
{
    struct band band = grid_band(plan);
    double cycles = model_copy(plan, (double)band.elements, how);
    return how == MOVE_RUNS && band.split > 1 ? 2 * cycles : cycles;
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t channels = conv->oc / conv->groups, whole = channels / plan->tile_rows,
            rest = channels % plan->tile_rows;
    double taps = (double)conv_most_taps(conv, AXIS_W);
    double rows = (double)(conv_axis_phases(conv, AXIS_W) * conv->groups);
    for (int a = 0; a < AXIS_W; a++) {
        taps *= conv_mean_taps(conv, a);
        rows *= (double)conv->axis[a].out;
    }
    double cycles_of_step = (double)whole * row_step(plan, target, (double)plan->tile_rows);
    cycles_of_step += rest ? row_step(plan, target, (double)rest) : 0;
    struct phase phase = conv_phase(conv, 0);
    int64_t between = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W];
    double vectors = (double)ceil_div(conv_most_outs(conv, AXIS_W), plan->lanes) * (double)channels;
    double store = vectors * (model_store(plan, model_move(between, conv->dst.c)) + 4);
    double cycles = rows * (cycles_of_step * taps * (double)(conv->ic / conv->groups) + store);
    enum model_move how = model_move(conv->src.axis[AXIS_W], conv->src.c);
    if (plan->band)
        cycles += (double)grid_bands(plan) * copy_cycles(plan, how);
    return cycles * model_bodies(count_bodies(plan)) / MODEL_HERTZ;
}

const struct algo algo_planar = {"planar", accepts, candidates, seconds};
