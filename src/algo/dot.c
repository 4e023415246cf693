/* Plans for `dot`: see codegen/algo/dot.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

#include <math.h>

/* Fewer input channels leave most of every vector empty, and `planar` fills it. */
enum { LEAST_CHANNELS = 4 };

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    if (conv->ic / conv->groups < LEAST_CHANNELS)
        return "sums across the input channels of a group, of which there must be at least 4";
    return NULL;
}

static double band_bytes(const struct plan *plan)
{
    return (double)grid_band(plan).elements * dtype_bytes((cj_dtype)plan->conv.dtype);
}

/* Units per image, so that threads have work. */
enum { ENOUGH_UNITS = 8 };

/* A band stays in half of L2. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t rows = conv_most_outs(conv, AXIS_H), units = conv_phases(conv) * conv->groups;
    double budget = (double)target->l2 / 2;
    plan->block_oc = conv->oc / conv->groups;
    plan->block_rows = ceil_div(rows, ceil_div(ENOUGH_UNITS, units));
    plan->block_cols = round_up(conv_most_outs(conv, AXIS_W), plan->tile_rows);
    if (rows == 1)
        plan->block_cols = round_up(ceil_div(plan->block_cols, ceil_div(ENOUGH_UNITS, units)), plan->tile_rows);
    while (plan->band && plan->block_rows > 1 && band_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    while (plan->band && plan->block_cols > plan->tile_rows && band_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, plan->tile_rows);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
}

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t vecs = plan->tile_vecs, lanes = plan->lanes, together = grid_channels_together(plan);
    choose_blocks(plan, target);
    if (plan->band)
        plan->scratch_bytes = round_up((int64_t)band_bytes(plan), 64);
    plan->pack = (struct pack){.axes = 9,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, ceil_div(conv->oc / conv->groups, vecs), vecs},
                                        {PACK_IC, ceil_div(conv->ic / conv->groups, together), together},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_IC, ceil_div(together, lanes), lanes},
                                        {PACK_OC, vecs, 1},
                                        {PACK_IC, lanes, 1}}};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

/* Taps that share pixels, and multiply-adds in a turn of them: with 112 the code is no faster, and compiles
 * twice as long. */
enum { MOST_SHARING = 9, MOST_IN_A_TURN = 64 };

/* Whether the taps of a row are the same for every tile, and more than one. */
static bool can_share_taps(const struct conv *conv)
{
    const struct axis *w = &conv->axis[AXIS_W];
    return conv_phases(conv) == 1 && w->kernel > 1 && max64(w->pad_lo, w->pad_hi) < w->kernel;
}

/* Sums of a tile: three quarters of the registers, or as many as leave room for the weights of a turn and a few
 * pixels. With more, LLVM's allocator moves sums about where a turn has several steps (14x2 on 32 registers: a
 * third of the speed of 12x2). */
static int64_t most_rows(const struct plan *plan, const struct target *target)
{
    const struct isa_info *isa = isa_info(target->isa);
    int64_t weights = plan->tile_vecs * (plan->shares_taps ? plan->unroll : 1);
    int64_t left = min64(isa->registers - weights - 2 - !isa->has_fma, isa->registers * 3 / 4);
    if (plan->shares_taps)
        left = min64(left, MOST_IN_A_TURN / plan->unroll);
    return max64(left, 0) / plan->tile_vecs;
}

/* Taps in the padding along W can be left out where they are unrolled. */
static bool can_read_in_place(const struct plan *plan)
{
    return grid_knows_edges(plan) && (plan->shares_taps || !conv_axis_padded(&plan->conv, AXIS_W));
}

static void add_shape(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *shape;
    for (plan.band = 0; plan.band <= 1; plan.band++) {
        struct plan whole = plan;
        finish(&whole, target);
        if (plan.band || can_read_in_place(&whole))
            sink->add(sink->sink, &whole);
    }
}

/* Tiles of as many sums as registers hold, or as a vector of outputs does. */
static void add_rows(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *shape;
    int64_t cols = conv_most_outs(&plan.conv, AXIS_W), limit = most_rows(&plan, target);
    int64_t most = min64(limit, cols), full = min64(most, max64(plan.lanes / plan.tile_vecs, 1));
    const int64_t rows[] = {most, model_even_rows(cols, most), full, model_even_rows(cols, full)};
    for (int i = 0; i < 4 && limit > 0; i++) {
        plan.tile_rows = rows[i];
        if (!plan.shares_taps)
            plan.unroll = model_unroll(plan.tile_rows * plan.tile_vecs);
        bool seen = false;
        for (int k = 0; k < i; k++)
            seen = seen || rows[k] == rows[i];
        if (!seen)
            add_shape(&plan, target, sink);
    }
}

static void add_tiles(const struct plan *shape, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *shape;
    int64_t taps = conv_most_taps(&plan.conv, AXIS_W);
    add_rows(&plan, target, sink);
    if (!can_share_taps(&plan.conv))
        return;
    plan.shares_taps = 1;
    plan.unroll = ceil_div(taps, ceil_div(taps, MOST_SHARING));
    add_rows(&plan, target, sink);
}

/* More channels at once read the input less often, and leave fewer registers for pixels. */
enum { MOST_VECS = 8 };

/* Narrower vectors are offered until they fill the input channels without a rest. */
static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    int64_t channels = conv->oc / conv->groups;
    struct plan plan = *base;
    int64_t inputs = conv->ic / conv->groups;
    plan.lanes = model_lanes(target, (cj_dtype)conv->dtype, inputs);
    int64_t least = min64(plan.lanes, LEAST_CHANNELS);
    for (bool fills = false; plan.lanes >= least && !fills; plan.lanes /= 2) {
        fills = inputs % plan.lanes == 0;
        for (int64_t most = MOST_VECS; most > 1; most /= 2) {
            plan.tile_vecs = ceil_div(channels, ceil_div(channels, most));
            if (most == MOST_VECS || plan.tile_vecs > most / 2)
                add_tiles(&plan, target, sink);
        }
    }
}

static int64_t pixel_step(const struct plan *plan)
{
    return plan->band ? grid_band(plan).axis[AXIS_W] : plan->conv.src.axis[AXIS_W];
}

/* Pixels under `taps` taps of `rows` outputs: pairs of them without those where another pair has the same
 * column, which tap t of row r shares with the tap a multiple of the stride before it. */
static double distinct_pixels(const struct plan *plan, int64_t rows, int64_t taps)
{
    struct phase_axis p = conv_axis_phase(&plan->conv, AXIS_W, 0);
    int64_t common = max64(gcd64(p.in_step, p.off_step), 1);
    int64_t rows_apart = p.off_step / common, taps_apart = p.in_step / common;
    return (double)(rows * taps - max64(rows - rows_apart, 0) * max64(taps - taps_apart, 0));
}

static double vector_bytes(const struct plan *plan)
{
    return (double)(plan->lanes * dtype_bytes((cj_dtype)plan->conv.dtype));
}

/* What a load of a pixel counts for: one that crosses a line counts twice, which all do that fill a line, and
 * half of those that fill half of one, where pixels do not begin with a vector. */
static double load_of_pixel(const struct plan *plan)
{
    return pixel_step(plan) % plan->lanes == 0 ? 1 : 1 + vector_bytes(plan) / L1_LINE_BYTES;
}

/* Bytes of input between two uses of the same pixel: the unit's window for the next block of channels, the rows
 * of the kernel for the next row of outputs; 0 where each is used once. */
static double pixel_distance(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct window window = grid_window(plan);
    double line =
        (double)(window.count[AXIS_W] * (conv->ic / conv->groups) * dtype_bytes((cj_dtype)conv->dtype));
    int64_t kernel_rows = conv_most_taps(conv, AXIS_D) * conv_most_taps(conv, AXIS_H);
    if (grid_of_plan(plan).unit_blocks > 1)
        return line * (double)window.count[AXIS_H] * (double)window.count[AXIS_D];
    return kernel_rows > 1 ? line * (double)kernel_rows : 0;
}

/* Cycles until a step of `taps` taps has what does not stay in L1. */
static double fetch_cycles(const struct plan *plan, const struct target *target, double pixels, double weights)
{
    double bytes = vector_bytes(plan);
    for (int a = 0; a < AXES; a++)
        bytes *= (double)conv_most_taps(&plan->conv, a);
    double steps = (double)ceil_div(plan->conv.ic / plan->conv.groups, plan->lanes);
    double distance = model_weight_distance(plan, bytes * steps * (double)plan->tile_vecs);
    return model_fetch(target, pixels * vector_bytes(plan), pixel_distance(plan)) +
           model_fetch(target, weights * vector_bytes(plan), distance);
}

/* Cycles of all taps of a row of the kernel and all channels, for a tile: block by block, where these lie in
 * blocks. */
static double kernel_row_cycles(const struct plan *plan, const struct target *target, int64_t rows,
                                int64_t vecs)
{
    const struct conv *conv = &plan->conv;
    int64_t channels = grid_channels_together(plan), steps = ceil_div(channels, plan->lanes);
    double blocks = (double)ceil_div(conv->ic / conv->groups, channels);
    int64_t taps = max64(conv_most_taps(conv, AXIS_W), 1), together = plan->shares_taps ? plan->unroll : 1;
    double turns = (double)ceil_div(taps, together), sharing = (double)taps / turns;
    double pixels = distinct_pixels(plan, rows, together), weights = (double)(vecs * together);
    double loads = (pixels * load_of_pixel(plan) + weights) * sharing / (double)together;
    double step = model_step(target, (double)rows * sharing, (double)vecs, loads) * model_width(plan, target);
    step = fmax(step, fetch_cycles(plan, target, pixels, weights) * sharing / (double)together);
    bool one_run =
        channels % plan->lanes == 0 && conv_phase(conv, 0).axis[AXIS_W].off_step * pixel_step(plan) == channels;
    double loops = one_run && !plan->shares_taps ? 0 : 2;
    return blocks * turns * ((double)steps * step + loops);
}

/* Cycles of the sums of one tile across their lanes, and of its outputs. A step of the tree is two shuffles and
 * an addition, which hardly compete with the multiply-adds of the next tile. */
static double finish_cycles(const struct plan *plan, double rows, double vecs)
{
    const struct conv *conv = &plan->conv;
    int64_t between = conv_phase(conv, 0).axis[AXIS_W].out_step * conv->dst.axis[AXIS_W];
    double sums = rows * vecs, lanes = (double)plan->lanes;
    bool flat = conv->dst.c == 1 && between == plan->tile_vecs;
    double vectors = flat ? ceil(sums / lanes) : conv->dst.c == 1 ? rows : vecs * ceil(rows / lanes);
    double steps = sums - vectors + vectors * log2(lanes * vectors / sums);
    return steps + vectors * model_store(plan, model_move(conv->dst.c == 1 ? 1 : between, conv->dst.c));
}

static double tile_cycles(const struct plan *plan, const struct target *target, int64_t rows, int64_t vecs)
{
    const struct conv *conv = &plan->conv;
    double kernel_rows = (double)(conv_most_taps(conv, AXIS_D) * conv_most_taps(conv, AXIS_H));
    double sums = kernel_rows * (kernel_row_cycles(plan, target, rows, vecs) + 2);
    return 10 + sums + finish_cycles(plan, (double)rows, (double)vecs);
}

/* Cycles of a row of outputs for tiles of `vecs` channels. */
static double row_cycles(const struct plan *plan, const struct target *target, int64_t vecs)
{
    struct tiles tiles = tiles_even(conv_most_outs(&plan->conv, AXIS_W), plan->tile_rows);
    double cycles = (double)tiles.big * tile_cycles(plan, target, tiles.size, vecs);
    if (tiles.small)
        cycles += (double)tiles.small * tile_cycles(plan, target, tiles.size - 1, vecs);
    return cycles;
}

static int64_t count_bodies(const struct plan *plan)
{
    struct tiles tiles = tiles_even(conv_most_outs(&plan->conv, AXIS_W), plan->tile_rows);
    int64_t channels = plan->conv.oc / plan->conv.groups;
    struct edges edges = grid_edges(plan);
    int64_t widths = (tiles.big > 0) + (tiles.small > 0) + edges.first + edges.last;
    return widths * (1 + (channels % plan->tile_vecs > 0));
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t channels = conv->oc / conv->groups, rest = channels % plan->tile_vecs;
    double rows = (double)(conv_phases(conv) * conv->groups);
    for (int a = 0; a < AXIS_W; a++)
        rows *= (double)conv_most_outs(conv, a);
    double cycles = (double)(channels / plan->tile_vecs) * row_cycles(plan, target, plan->tile_vecs);
    cycles = rows * (cycles + (rest ? row_cycles(plan, target, rest) : 0));
    enum model_move how = model_move(conv->src.c, conv->src.axis[AXIS_W]);
    if (plan->band)
        cycles += (double)grid_bands(plan) * model_copy(plan, (double)grid_band(plan).elements, how);
    /* Each unit walks all weights, which a cache behind L2 gives half as fast. */
    if (plan->packed_bytes > target->l2 / 2)
        cycles += (double)plan->units * 2 * model_fetch(target, (double)plan->packed_bytes, INFINITY);
    return cycles * model_bodies(count_bodies(plan)) / MODEL_HERTZ;
}

const struct algo algo_dot = {"dot", accepts, candidates, seconds};
