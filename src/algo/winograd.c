/* Plans for `winograd`: see codegen/algo/winograd.c for the computation.
 *
 * More tiles in a unit mean that transformed weights, which are larger than plain ones by alpha^2 / taps^2,
 * come through less often; fewer keep V and M in the L2 cache. Larger tiles multiply less and transform more,
 * and waste more where they reach over the edge. All of that is estimated; nothing is decided by rule but what
 * a unit may be. */
#include "../winograd.h"

#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

/* Transformed weights have up to 16 times as many elements, and must fit in 62 bits of bytes by far. */
#define MOST_WEIGHTS (INT64_C(1) << 40)

/* F(7, 2) is no faster than F(5, 2) by enough for an error of 1e-4 beside the largest output, where all others
 * have half of it at most (tests/test_accuracy.c). */
enum { MOST_OUTS = 6 };

/* The outputs that a tile may have along an axis, fewest first, 0 behind them. */
struct choices {
    int64_t outs[4];
};

static struct choices choices_of(const struct conv *conv, int axis)
{
    int64_t taps = winograd_axis(conv, axis).taps;
    struct choices choices = {{0}};
    int count = 0;
    if (taps == 1)
        choices.outs[count++] = 1;
    for (int64_t alpha = 4; taps > 1 && alpha <= WINOGRAD_MOST; alpha += 2)
        if (alpha - taps + 1 > 1 && alpha - taps + 1 <= MOST_OUTS)
            choices.outs[count++] = alpha - taps + 1;
    return choices;
}

/* Whole vectors of channels lie side by side in the input, and only zeros around it. */
static bool can_read_in_place(const struct conv *conv, const struct target *target)
{
    int64_t lanes = model_channel_lanes(target, conv, conv->oc / conv->groups);
    return strides_side_by_side(&conv->src, 0, lanes) && conv->ic / conv->groups % lanes == 0 &&
           conv->pad_mode == CJ_PAD_ZEROS && conv_groups_begin_blocks(conv);
}

/* A dilated convolution's band is the whole image, since neighbours in a tile lie far apart; so are its blocks.
 */
static bool needs_whole_image(const struct conv *conv, const struct target *target)
{
    return (winograd_axis(conv, AXIS_H).out_step > 1 || winograd_axis(conv, AXIS_W).out_step > 1) &&
           !can_read_in_place(conv, target);
}

enum { MOST_WHOLE_OUTPUTS = 1 << 14 };

/* Weights are transformed for each phase, which has few outputs where there are many. */
enum { MOST_TRANSPOSED = 64 };

static const char *accepts(const struct conv *conv, const struct target *target)
{
    int64_t taps = 1, planes;
    if (conv->op == CJ_SEPARABLE)
        return "computes one stage, this has two";
    if (conv->accuracy == CJ_STRICT)
        return "is no plain sum of products, which strict asks for";
    if (conv->ic == conv->groups)
        return "takes more than one input channel per group";
    if (conv_phases(conv) > MOST_TRANSPOSED)
        return "takes transposed strides with up to 64 phases";
    for (int a = AXIS_H; a < AXES; a++) {
        struct phase_axis p = conv_axis_phase(conv, a, 0);
        if ((p.in_step > 1 || p.out_step > 1) && conv_most_taps(conv, a) > 1 && p.off_step > 1)
            return "takes no stride and dilation along the same axis";
        if (!choices_of(conv, a).outs[0])
            return "takes up to 7 times the stride taps along rows and columns, and one at least";
        taps *= winograd_axis(conv, a).taps;
    }
    if (taps == 1)
        return "takes more taps than the stride along rows or columns";
    if (needs_whole_image(conv, target) &&
        conv_most_outs(conv, AXIS_H) > MOST_WHOLE_OUTPUTS / conv_most_outs(conv, AXIS_W))
        return "takes dilated kernels over up to 2^14 outputs where it has to copy the input";
    int64_t kernel = conv_most_taps(conv, AXIS_D);
    for (int a = AXIS_H; a < AXES; a++)
        kernel *= winograd_axis(conv, a).parts;
    if (!mul_fits(conv->ic / conv->groups * conv->oc, kernel, &planes) || planes > MOST_WEIGHTS)
        return "takes up to 2^40 weights of each tap along rows and columns";
    return NULL;
}

static int64_t tiles_along(const struct plan *plan, int axis)
{
    struct phase_axis phase = conv_axis_phase(&plan->conv, axis, 0);
    return ceil_div(grid_outs(plan, axis, &phase), axis == AXIS_H ? plan->wino_rows : plan->wino_cols);
}

/* ---- The estimate ---- */

/* Cycles of one transform along an axis, that takes and gives so many vectors: additions and multiplications as
 * codegen/transform.c makes them, two in a cycle; two loads or one store in a cycle; the loop around. */
static double transform_cycles(int64_t operations, int64_t from, int64_t to)
{
    double arithmetic = (double)operations / 2, memory = (double)from / 2 + (double)to;
    return (arithmetic > memory ? arithmetic : memory) + 3;
}

static double input_cycles(int64_t alpha)
{
    int64_t half = alpha / 2;
    int64_t operations = 2 * half + (half - 1) * (2 * (half - 2) + 2);
    return transform_cycles(operations, alpha, alpha);
}

static double output_cycles(int64_t alpha, int64_t outs)
{
    int64_t pairs = alpha / 2 - 1;
    return transform_cycles(2 * pairs + outs * pairs, alpha, outs);
}

/* Cycles for one vector of channels of one tile. */
struct tile_cost {
    double input, output;
};

static struct tile_cost tile_cost(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t h = winograd_axis_points(plan, AXIS_H), w = winograd_axis_points(plan, AXIS_W);
    struct tile_cost cost = {(double)h * input_cycles(w),
                             (double)plan->wino_rows * output_cycles(w, plan->wino_cols)};
    if (h > 1) {
        cost.input += (double)w * input_cycles(h);
        cost.output += (double)w * output_cycles(h, plan->wino_rows);
    }
    int64_t between = conv_axis_phase(conv, AXIS_W, 0).out_step * conv->dst.axis[AXIS_W];
    enum model_move how = model_move(conv->dst.c, between);
    cost.output += (double)(plan->wino_rows * plan->wino_cols) * (1.5 + model_store(plan, how));
    return cost;
}

static double product_cycles(const struct plan *plan, const struct target *target, double tiles)
{
    const struct conv *conv = &plan->conv;
    double rows = (double)plan->tile_rows, vecs = (double)plan->tile_vecs;
    double steps = (double)(winograd_planes(conv) * (conv->ic / conv->groups));
    double blocks = (double)ceil_div(conv->oc / conv->groups, plan->tile_vecs * plan->lanes);
    double tile = steps * model_step(target, rows, vecs, rows + vecs) + 30 + rows * vecs;
    return (double)winograd_points(plan) * blocks * tiles / rows * tile;
}

/* The products of one phase and group. Its weights are walked anew for each block of tiles: the first time they
 * come from what holds all weights, since a call before has walked the others, then from what holds its own. */
static double products_cycles(const struct plan *plan, const struct target *target, double blocks)
{
    struct winograd_weights weights = winograd_weights(plan);
    double element = dtype_bytes((cj_dtype)plan->conv.dtype);
    double own = (double)weights.group * element, all = (double)weights.elements * element;
    double cycles =
        product_cycles(plan, target, (double)round_up(winograd_scratch(plan).unit_tiles, plan->tile_rows));
    return model_streamed(target, cycles, own, all) + (blocks - 1) * model_streamed(target, cycles, own, own);
}

/* Units that are parts of rows copy and store rows by parts (Zen 4: 3x3x3 on 112x112, NCHW, halves of rows take
 * a fifth more). */
#define PARTS_OF_ROWS 1.1

/* Eight points have up to eight times the error of six: a gain of less than this is not worth it. */
#define WORTH_EIGHT_POINTS 1.03

/* Nor is it worth weights that are several times as large as those of a plain sum (3x3 with stride 2 on 256
 * channels: 25 MB for 2.4, estimated 2 to 4% faster, 3 to 10% slower on Zen 4). */
#define WORTH_ITS_WEIGHTS 1.05

static bool has_eight_points(const struct plan *plan)
{
    return plan->wino_rows + winograd_axis(&plan->conv, AXIS_H).taps > 8 ||
           plan->wino_cols + winograd_axis(&plan->conv, AXIS_W).taps > 8;
}

static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    struct grid grid = grid_of_plan(plan);
    struct winograd_scratch s = winograd_scratch(plan);
    struct tile_cost tile = tile_cost(plan);
    int64_t channels = conv->oc / conv->groups, bytes = dtype_bytes((cj_dtype)conv->dtype);
    /* Blocks of tiles of one image, as often as each is transformed anew. */
    double images = (double)(grid.phases * grid.groups * grid.depth);
    double blocks = (double)(grid.row_units * grid.tile_units) * images;
    double tiles = (double)(tiles_along(plan, AXIS_H) * tiles_along(plan, AXIS_W)) * images;
    double inputs = (double)(winograd_planes(conv) * s.plane / plan->lanes),
           outputs = (double)ceil_div(channels, plan->lanes);
    enum model_move how = model_move(conv->src.c, conv->src.axis[AXIS_W]);
    double in = tiles * inputs * tile.input +
                blocks * model_copy(plan, plan->band ? (double)grid_band(plan).elements : 0, how);
    double of_image = (double)(grid.row_units * grid.tile_units * grid.depth);
    double product = blocks / of_image * products_cycles(plan, target, of_image);
    double scratch = (double)((s.y - s.v) * bytes) / (double)plan->images;
    double spill = blocks * (double)grid.channel_units * model_spill(target, scratch);
    double cycles = in + product + tiles * outputs * tile.output + spill;
    return cycles * model_bodies(4) * (grid.tile_units > 1 && conv->axis[AXIS_H].out > 1 ? PARTS_OF_ROWS : 1) *
           (has_eight_points(plan) ? WORTH_EIGHT_POINTS : 1) * WORTH_ITS_WEIGHTS / MODEL_HERTZ;
}

/* ---- The candidates ---- */

/* Where weights do not fit L2, images of a batch share them, up to so many tiles: more of them would push V and
 * M out of L2, too. */
enum { SHARED_TILES = 32, MOST_IMAGES = 8 };

static int64_t images_together(const struct plan *plan, const struct target *target)
{
    int64_t tiles = ceil_div(plan->block_rows, plan->wino_rows) * grid_of_plan(plan).unit_tiles;
    int64_t bytes = winograd_weights(plan).group * dtype_bytes((cj_dtype)plan->conv.dtype);
    return bytes > target->l2 ? clamp64(SHARED_TILES / tiles, 1, MOST_IMAGES) : 1;
}

static void finish(struct plan *plan, const struct target *target)
{
    plan->images = images_together(plan, target);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
    plan->unroll = model_unroll(plan->tile_rows * plan->tile_vecs);
    int64_t bytes = dtype_bytes((cj_dtype)plan->conv.dtype);
    plan->scratch_bytes = round_up(winograd_scratch(plan).elements * bytes, 64);
    plan->packed_bytes = round_up(winograd_weights(plan).elements * bytes, 64);
}

/* Few, since channels that are cut share the transformed input, but not the walk over the weights' points. */
enum { ENOUGH_UNITS = 4 };

/* A unit of so many tiles down and across: the rows of the register tile that waste least, for each width. */
static void add_unit(const struct plan *base, const struct target *target, int64_t down, int64_t across,
                     const struct candidates *sink)
{
    struct plan plan = *base;
    int64_t channels = plan.conv.oc / plan.conv.groups;
    plan.block_rows = down * plan.wino_rows;
    plan.block_cols = across * plan.wino_cols;
    for (plan.tile_vecs = 1; plan.tile_vecs <= 4; plan.tile_vecs++) {
        int64_t block = plan.tile_vecs * plan.lanes, most = model_tile_rows(target, plan.tile_vecs);
        if (block - plan.lanes >= channels)
            break;
        plan.tile_rows = tiles_even(down * across, most).size;
        plan.block_oc = round_up(channels, block);
        plan.block_oc = model_unit_channels(&plan, ENOUGH_UNITS);
        struct plan whole = plan;
        finish(&whole, target);
        sink->add(sink->sink, &whole);
    }
}

/* Units of about so many tiles: whole rows of them, or parts of one row. */
static void add_tiles(const struct plan *plan, const struct target *target, int64_t tiles,
                      const struct candidates *sink)
{
    int64_t down = tiles_along(plan, AXIS_H), across = tiles_along(plan, AXIS_W);
    if (tiles >= across)
        add_unit(plan, target, tiles_even(down, min64(tiles / across, down)).size, across, sink);
    else
        add_unit(plan, target, 1, tiles_even(across, tiles).size, sink);
}

/* Fewer tiles than LEAST waste the products' micro-kernel; more than MOST gain nothing over its rows. */
enum { LEAST_TILES = 4, MOST_TILES = 256 };

/* V and M take L2, half of it or a quarter; or all tiles are one unit, so that weights come once. */
static void add_units(const struct plan *plan, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &plan->conv;
    int64_t all = tiles_along(plan, AXIS_H) * tiles_along(plan, AXIS_W), last = 0;
    if (all <= MOST_TILES || needs_whole_image(conv, target))
        add_tiles(plan, target, last = all, sink);
    if (needs_whole_image(conv, target))
        return;
    double channels = (double)(winograd_planes(conv) * (conv->ic / conv->groups) + conv->oc / conv->groups);
    double tile = (double)winograd_points(plan) * channels * dtype_bytes((cj_dtype)conv->dtype);
    for (int64_t share = 1; share <= 4; share *= 2) {
        double fit = (double)target->l2 / (double)share / tile;
        int64_t tiles = clamp64((int64_t)(fit < MOST_TILES ? fit : MOST_TILES), LEAST_TILES, all);
        if (tiles != last)
            add_tiles(plan, target, tiles, sink);
        last = tiles;
    }
}

/* ---- Sizes of tiles ---- */

/* Cycles that a size takes at least, whatever its units are: transforms, and products that fill their
 * registers. */
static double least_cycles(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    struct tile_cost tile = tile_cost(plan);
    double ic = (double)(winograd_planes(conv) * ceil_div(conv->ic / conv->groups, plan->lanes));
    double oc = (double)ceil_div(conv->oc / conv->groups, plan->lanes);
    double tiles = (double)(tiles_along(plan, AXIS_H) * tiles_along(plan, AXIS_W));
    double product = (double)winograd_points(plan) * tiles * ic * (double)plan->lanes * oc / 2;
    double weights = (double)winograd_weights(plan).group * dtype_bytes((cj_dtype)conv->dtype);
    return tiles * (ic * tile.input + oc * tile.output) + model_streamed(target, product, weights, weights);
}

enum { MOST_SIZES = 9 };
struct sizes {
    int count;
    struct {
        int64_t rows, cols;
        double cycles;
    } size[MOST_SIZES];
};

static struct sizes sizes_of(const struct plan *base, const struct target *target)
{
    struct choices h = choices_of(&base->conv, AXIS_H), w = choices_of(&base->conv, AXIS_W);
    struct sizes sizes = {0};
    struct plan plan = *base;
    for (int i = 0; h.outs[i]; i++)
        for (int j = 0; w.outs[j]; j++) {
            plan.wino_rows = sizes.size[sizes.count].rows = h.outs[i];
            plan.wino_cols = sizes.size[sizes.count].cols = w.outs[j];
            sizes.size[sizes.count++].cycles = least_cycles(&plan, target);
        }
    return sizes;
}

/* A size that is so much worse than the best before units are chosen is not looked at further. */
#define WORTH_A_LOOK 1.15

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    struct plan plan = *base;
    plan.lanes = model_channel_lanes(target, conv, conv->oc / conv->groups);
    plan.tile_vecs = plan.tile_rows = 1;
    plan.band = !can_read_in_place(conv, target);
    struct sizes sizes = sizes_of(&plan, target);
    double best = sizes.size[0].cycles;
    for (int i = 1; i < sizes.count; i++)
        best = sizes.size[i].cycles < best ? sizes.size[i].cycles : best;
    for (int i = 0; i < sizes.count; i++) {
        if (sizes.size[i].cycles > best * WORTH_A_LOOK)
            continue;
        plan.wino_rows = sizes.size[i].rows;
        plan.wino_cols = sizes.size[i].cols;
        add_units(&plan, target, sink);
    }
}

const struct algo algo_winograd = {"winograd", accepts, candidates, seconds};
