/* Plans for `direct`: see codegen/algo/direct.c for the computation.
 *
 * A unit's input window should lie in half of the L2 cache, because each block of output channels walks it
 * again; within that, more pixels per unit mean that weights are fetched less often. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

#include <math.h>

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    return NULL;
}

/* The input can be read where it lies if no tap falls outside along W, and outside only in zeros elsewhere, and
 * if the channels of every group begin a block. */
static bool can_read_in_place(const struct conv *conv)
{
    return conv->pad_mode == CJ_PAD_ZEROS && !conv_axis_padded(conv, AXIS_W) && conv_groups_begin_blocks(conv);
}

static double window_bytes(const struct plan *plan)
{
    struct window window = grid_window(plan);
    double pixels = (double)window.count[AXIS_D] * (double)window.count[AXIS_H] * (double)window.count[AXIS_W];
    return pixels * (double)(plan->conv.ic / plan->conv.groups) * dtype_bytes((cj_dtype)plan->conv.dtype);
}

/* The most of `limit` for which the window stays within `budget` bytes, at least 1 unit of `step`. */
static void grow(struct plan *plan, int64_t *block, int64_t step, int64_t limit, double budget)
{
    *block = limit;
    while (*block > step && window_bytes(plan) > budget)
        *block = max64(step, round_up(*block / 2, step));
}

/* With few units per image threads would idle: share the blocks of output channels out. */
enum { ENOUGH_UNITS = 8 };

static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t cols = round_up(conv_most_outs(conv, AXIS_W), plan->tile_rows);
    double budget = (double)target->l2 / 2;
    plan->block_oc = conv->oc / conv->groups;
    plan->block_rows = 1;
    grow(plan, &plan->block_cols, plan->tile_rows, cols, budget);
    if (plan->block_cols == cols)
        grow(plan, &plan->block_rows, 1, conv_most_outs(conv, AXIS_H), budget);
    plan->block_oc = min64(model_unit_channels(plan, ENOUGH_UNITS), plan->block_oc);
    struct grid grid = grid_of_plan(plan);
    if (grid_units(&grid) < ENOUGH_UNITS && plan->block_cols == cols) {
        int64_t rows = grid.row_units * ceil_div(ENOUGH_UNITS, grid_units(&grid));
        plan->block_rows = ceil_div(conv_most_outs(conv, AXIS_H), min64(rows, conv_most_outs(conv, AXIS_H)));
        grid = grid_of_plan(plan);
    }
    plan->units = grid_units(&grid);
}

static void set_pack(struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes, channels = conv->oc / conv->groups;
    int64_t inputs = conv->ic / conv->groups, together = grid_channels_together(plan);
    plan->pack = (struct pack){.axes = 8,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, ceil_div(channels, block), block},
                                        {PACK_IC, ceil_div(inputs, together), together},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_IC, together, 1},
                                        {PACK_OC, block, 1}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

static void finish(struct plan *plan, const struct target *target)
{
    choose_blocks(plan, target);
    if (plan->band) {
        struct band band = grid_band(plan);
        plan->scratch_bytes = round_up(band.elements * dtype_bytes((cj_dtype)plan->conv.dtype), 64);
    }
    set_pack(plan);
}

static void add_shape(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &shape->conv;
    struct plan plan = *shape;
    plan.unroll = min64(model_unroll(plan.tile_rows * plan.tile_vecs), conv->ic / conv->groups);
    for (plan.band = 0; plan.band <= 1; plan.band++) {
        if (!plan.band && !can_read_in_place(conv))
            continue;
        struct plan whole = plan;
        finish(&whole, target);
        sink->add(sink->sink, &whole);
    }
}

/* Whether most taps along W fall into the padding, as those of a transposed convolution of one pixel do: pixels
 * by themselves leave all of these out. */
static bool pixels_have_few_taps(const struct conv *conv)
{
    return 2 * conv_mean_taps(conv, AXIS_W) < (double)conv_most_taps(conv, AXIS_W);
}

static void add_lanes(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &shape->conv;
    int64_t channels = conv->oc / conv->groups, cols = conv_most_outs(conv, AXIS_W);
    struct plan plan = *shape;
    for (plan.tile_vecs = 1; plan.tile_vecs <= 4; plan.tile_vecs++) {
        if ((plan.tile_vecs - 1) * plan.lanes >= channels)
            break;
        int64_t most = min64(model_tile_rows(target, plan.tile_vecs), cols), even = model_even_rows(cols, most);
        plan.tile_rows = most;
        add_shape(&plan, target, sink);
        plan.tile_rows = even;
        if (even != most)
            add_shape(&plan, target, sink);
        plan.tile_rows = 1;
        if (most > 1 && pixels_have_few_taps(conv))
            add_shape(&plan, target, sink);
    }
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    int64_t channels = conv->oc / conv->groups;
    struct plan plan = *base;
    plan.lanes = model_channel_lanes(target, conv, channels);
    add_lanes(&plan, target, sink);
    if (!model_halves(&plan, target, channels))
        return;
    plan.lanes /= 2;
    add_lanes(&plan, target, sink);
}

/* Cycles of one row of outputs, per step of the reduction, and for what a tile costs beside it. */
struct row_cost {
    double step, tile;
};

/* A pixel whose channels are stored in several passes over an output that L2 does not hold comes from memory
 * for each: 1.5 cycles more for each vector (Zen 4: 3 to 64 channels of 224x224, tiles of 14x2 beside 4x4). */
static double store_again(const struct plan *plan, const struct target *target, int64_t vecs)
{
    const struct conv *conv = &plan->conv;
    double bytes = (double)conv_dst_extent(conv) * dtype_bytes((cj_dtype)conv->dtype);
    bool at_once = conv->dst.c != 1 || vecs * plan->lanes >= conv->oc / conv->groups;
    return at_once || bytes <= (double)target->l2 ? 0 : 1.5;
}

static double reduction_steps(const struct conv *conv)
{
    double steps = (double)(conv->ic / conv->groups);
    for (int a = 0; a < AXES; a++)
        steps *= (double)conv_most_taps(conv, a);
    return steps;
}

static void add_tiles(struct row_cost *cost, const struct plan *plan, const struct target *target,
                      struct tiles tiles, int64_t vecs)
{
    struct phase phase = conv_phase(&plan->conv, 0);
    int64_t row_step = phase.axis[AXIS_W].out_step * plan->conv.dst.axis[AXIS_W];
    double store = model_store(plan, model_move(plan->conv.dst.c, row_step));
    store += store_again(plan, target, vecs);
    double bytes = (double)(vecs * plan->lanes * dtype_bytes((cj_dtype)plan->conv.dtype));
    double distance = model_weight_distance(plan, reduction_steps(&plan->conv) * bytes);
    double fetch = model_fetch(target, bytes, distance);
    int64_t counts[] = {tiles.big, tiles.small};
    for (int i = 0; i < 2; i++) {
        double rows = (double)(tiles.size - i), count = (double)counts[i];
        double step = model_step(target, rows, (double)vecs, rows + (double)vecs) * model_width(plan, target);
        cost->step += count * fmax(step, fetch);
        cost->tile += count * (30 + rows * (double)vecs * store);
    }
}

static struct row_cost row_cost(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct tiles tiles = tiles_even(phase.axis[AXIS_W].outs, plan->tile_rows);
    int64_t channels = conv->oc / conv->groups, block = plan->tile_vecs * plan->lanes;
    struct row_cost full = {0}, rest = {0};
    add_tiles(&full, plan, target, tiles, plan->tile_vecs);
    add_tiles(&rest, plan, target, tiles, ceil_div(channels % block, plan->lanes));
    double blocks = (double)(channels / block), last = channels % block ? 1 : 0;
    return (struct row_cost){full.step * blocks + rest.step * last, full.tile * blocks + rest.tile * last};
}

/* Versions of the micro-kernel: each width of tile with whole and partial blocks of channels. */
static int64_t count_bodies(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct tiles tiles = tiles_even(phase.axis[AXIS_W].outs, plan->tile_rows);
    int64_t channels = conv->oc / conv->groups, block = plan->tile_vecs * plan->lanes;
    return ((tiles.big > 0) + (tiles.small > 0)) * ((channels >= block) + (channels % block > 0));
}

static double copy_cycles(const struct plan *plan)
{
    struct band band = grid_band(plan);
    enum model_move how = model_move(plan->conv.src.c, plan->conv.src.axis[AXIS_W]);
    return plan->band ? (double)grid_bands(plan) * model_copy(plan, (double)band.elements, how) : 0;
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    struct row_cost cost = row_cost(plan, target);
    bool all = conv->pad_mode != CJ_PAD_ZEROS || !grid_tiles_fall_outside(plan);
    double taps = all ? (double)conv_most_taps(conv, AXIS_W) : conv_mean_taps(conv, AXIS_W);
    double rows = (double)(conv_axis_phases(conv, AXIS_W) * conv->groups);
    for (int a = 0; a < AXIS_W; a++) {
        taps *= conv_mean_taps(conv, a);
        rows *= (double)conv->axis[a].out;
    }
    double steps = taps * (double)(conv->ic / conv->groups);
    /* Input read in place across channels touches a new cache line with every step. */
    double spread = !plan->band && conv->src.c != 1 ? 1.3 : 1;
    int64_t between = conv_phase(conv, 0).axis[AXIS_W].in_step * conv->src.axis[AXIS_W];
    if (!plan->band && grid_pixels_alias(conv, between, plan->tile_rows))
        spread *= 1.3;
    double cycles = rows * (cost.step * steps * spread + cost.tile) + copy_cycles(plan);
    return cycles * model_bodies(count_bodies(plan)) / MODEL_HERTZ;
}

const struct algo algo_direct = {"direct", accepts, candidates, seconds};
