/* Plans for `connected`: see codegen/algo/connected.c for the computation. */
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
    for (int a = 0; a < AXES; a++)
        if (conv->axis[a].out != 1)
            return "computes outputs of one pixel";
    if (!conv_groups_begin_blocks(conv))
        return "reads blocks of channels from their first one on, here a group begins within one";
    if (conv->pad_mode != CJ_PAD_ZEROS)
        return "leaves out what is padded with zeros, this is padded with other elements";
    return NULL;
}

/* A coordinate of the reduction, and elements of input from one to the next. */
struct coordinate {
    struct pack_axis axis;
    int64_t x;
};

/* Put one behind those that lie further apart in the input. */
static void insert(struct coordinate *order, int *count, struct coordinate coordinate)
{
    int at = (*count)++;
    for (; at > 0 && order[at - 1].x < coordinate.x; at--)
        order[at] = order[at - 1];
    order[at] = coordinate;
}

enum { MOST_COORDINATES = 5 };

/* The coordinates of the reduction, the one outermost in the input first: channels, or blocks of them and those
 * of a block, and the taps of each axis. */
static int order_reduction(const struct conv *conv, struct coordinate order[MOST_COORDINATES])
{
    int64_t channels = conv->ic / conv->groups, block = conv->src.block;
    int count = 0;
    insert(order, &count, (struct coordinate){{PACK_IC, block ? block : channels, 1}, conv->src.c});
    if (block)
        insert(order, &count,
               (struct coordinate){{PACK_IC, ceil_div(channels, block), block}, conv->src.block_step});
    for (int a = 0; a < AXES; a++) {
        int64_t x = conv_axis_phase(conv, a, 0).off_step * conv->src.axis[a];
        insert(order, &count, (struct coordinate){{PACK_D + a, 0, 0}, x});
    }
    return count;
}

/* Channels whose weights lie together. From memory, several streams bring a third more than one (measured on
 * Zen 4: 31 GB/s, 23); from a cache one brings as much. */
static int64_t stream_channels(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    double bytes = (double)(conv->oc / conv->groups * conv->ic * dtype_bytes((cj_dtype)conv->dtype));
    for (int a = 0; a < AXES; a++)
        bytes *= (double)conv_most_taps(conv, a);
    return bytes > (double)target->l3 ? plan->lanes : plan->tile_vecs * plan->lanes;
}

static void set_pack(struct plan *plan, int64_t stream)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes, channels = conv->oc / conv->groups;
    struct coordinate order[MOST_COORDINATES];
    int count = order_reduction(conv, order);
    plan->pack = (struct pack){.axes = 3 + count, .axis = {{PACK_GROUP, conv->groups, 1}}};
    plan->pack.axis[1] = (struct pack_axis){PACK_OC, ceil_div(channels, block) * (block / stream), stream};
    for (int i = 0; i < count; i++)
        plan->pack.axis[2 + i] = order[i].axis;
    plan->pack.axis[2 + count] = (struct pack_axis){PACK_OC, stream, 1};
    plan->packed_bytes = pack_bytes(conv, &plan->pack, 0);
}

/* Units per image: threads share the channels of a single image. */
enum { ENOUGH_UNITS = 8 };

static void finish(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes, blocks = ceil_div(conv->oc / conv->groups, block);
    plan->block_oc = ceil_div(blocks, min64(blocks, ceil_div(ENOUGH_UNITS, conv->groups))) * block;
    plan->block_rows = plan->block_cols = 1;
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
    set_pack(plan, stream_channels(plan, target));
}

/* A chain of 4 cycles a step leaves time for 4 vectors of weights, more than L2 gives: so many sums are in
 * flight for a single image. Rounding errors grow with the length of a chain, so there are at least two, and
 * four of them where the sum is long (of 25088 products, two missed the bound that tests set by some percent).
 */
enum { SETS_OF_ONE_VECTOR = 4, SETS = 2, SETS_OF_LONG_SUMS = 4, LONG_SUM = 8192, MOST_VECS = 4 };

static int64_t choose_sets(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    double products = (double)(conv->ic / conv->groups);
    for (int a = 0; a < AXES; a++)
        products *= (double)conv_most_taps(conv, a);
    if (products > LONG_SUM)
        return SETS_OF_LONG_SUMS;
    return plan->tile_vecs == 1 ? SETS_OF_ONE_VECTOR : SETS;
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    int64_t channels = base->conv.oc / base->conv.groups;
    struct plan plan = *base;
    plan.lanes = model_lanes(target, (cj_dtype)plan.conv.dtype, channels);
    for (plan.tile_vecs = 1; plan.tile_vecs <= MOST_VECS; plan.tile_vecs++) {
        if (plan.tile_vecs > 1 && (plan.tile_vecs - 1) * plan.lanes >= channels)
            break;
        plan.sets = choose_sets(&plan);
        plan.tile_rows = max64(model_tile_rows(target, plan.tile_vecs) / plan.sets, 1);
        plan.unroll = round_up(model_unroll(plan.tile_rows * plan.tile_vecs), plan.sets);
        finish(&plan, target);
        sink->add(sink->sink, &plan);
    }
}

/* Cycles of all steps for a tile of `rows` images, for each of them. A sum takes 4 cycles a step. */
static double image_cycles(const struct plan *plan, const struct target *target, int64_t rows)
{
    const struct conv *conv = &plan->conv;
    double steps = (double)(conv->ic / conv->groups), vecs = (double)plan->tile_vecs, tiles = (double)rows;
    for (int a = 0; a < AXES; a++)
        steps *= (double)conv_most_taps(conv, a);
    double compute = model_step(target, tiles, vecs, tiles + vecs);
    double bytes = vecs * (double)(plan->lanes * dtype_bytes((cj_dtype)conv->dtype));
    double fetch = model_fetch(target, bytes, model_weight_distance(plan, 0));
    return (steps * fmax(fmax(compute, fetch), 4.0 / (double)plan->sets) + 30 + tiles * vecs) / tiles;
}

/* Half of what a single image takes, half of what one of many does. */
static double seconds(const struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes, blocks = ceil_div(conv->oc / conv->groups, block);
    double cycles = (image_cycles(plan, target, 1) + image_cycles(plan, target, plan->tile_rows)) / 2;
    return (double)(conv->groups * blocks) * cycles / MODEL_HERTZ;
}

const struct algo algo_connected = {"connected", accepts, candidates, seconds};
