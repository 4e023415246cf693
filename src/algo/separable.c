/* Plans for `separable`: see codegen/algo/separable.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"
#include "../stages.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    if (conv->op != CJ_SEPARABLE)
        return "fuses a depthwise stage with a pointwise one, this has one stage";
    return NULL;
}

/* The band and the block of intermediate results share half of L2 with the weights. */
static void choose_blocks(struct plan *plan, const struct target *target)
{
    const struct conv *conv = &plan->conv;
    int64_t budget = target->l2 / 2;
    plan->block_oc = conv->oc;
    plan->block_rows = conv_most_outs(conv, AXIS_H);
    plan->block_cols = round_up(conv_most_outs(conv, AXIS_W), plan->tile_rows);
    while (plan->block_rows > 1 && stage_block_offset(plan) + stage_block_bytes(plan) > budget)
        plan->block_rows = ceil_div(plan->block_rows, 2);
    while (plan->block_cols > plan->tile_rows && stage_block_offset(plan) + stage_block_bytes(plan) > budget)
        plan->block_cols = round_up(plan->block_cols / 2, plan->tile_rows);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
}

static void set_packs(struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t block = plan->tile_vecs * plan->lanes;
    plan->pack = (struct pack){.axes = 6,
                               .axis = {{PACK_GROUP, ceil_div(conv->groups, block), block},
                                        {PACK_OC, conv->mid / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_GROUP, block, 1}}};
    plan->pack2 = (struct pack){
        .axes = 3,
        .axis = {{PACK_OC, ceil_div(conv->oc, block), block}, {PACK_IC, conv->mid, 1}, {PACK_OC, block, 1}}};
    plan->pack2_offset = pack_bytes(conv, &plan->pack, 0);
    plan->packed_bytes = plan->pack2_offset + pack_bytes(conv, &plan->pack2, 1);
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    const struct conv *conv = &base->conv;
    struct plan plan = *base;
    plan.lanes = model_channel_lanes(target, conv, target_lanes(target, (cj_dtype)conv->dtype));
    for (plan.tile_vecs = 1; plan.tile_vecs <= 3; plan.tile_vecs++) {
        struct plan whole = plan;
        whole.tile_rows = min64(model_tile_rows(target, plan.tile_vecs), conv_most_outs(conv, AXIS_W));
        choose_blocks(&whole, target);
        struct plan depthwise = stage_depthwise(&whole);
        whole.band = depthwise.band;
        whole.unroll = depthwise.unroll;
        whole.scratch_bytes = stage_block_offset(&whole) + stage_block_bytes(&whole);
        set_packs(&whole);
        sink->add(sink->sink, &whole);
    }
}

static double seconds(const struct plan *plan, const struct target *target)
{
    struct plan depthwise = stage_depthwise(plan), pointwise = stage_pointwise(plan);
    return algo_row(ALGO_depthwise)->seconds(&depthwise, target) +
           algo_row(ALGO_direct)->seconds(&pointwise, target);
}

const struct algo algo_separable = {"separable", accepts, candidates, seconds};
