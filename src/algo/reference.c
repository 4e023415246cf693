/* Plans for `reference`: one lane, one pixel, weights [phase][group][oc][d][h][w][ic]. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)conv;
    (void)target;
    return NULL;
}

static struct pack dense_pack(const struct conv *conv)
{
    return (struct pack){.axes = 6,
                         .axis = {{PACK_GROUP, conv->groups, 1},
                                  {PACK_OC, conv->oc / conv->groups, 1},
                                  {PACK_D, 0, 0},
                                  {PACK_H, 0, 0},
                                  {PACK_W, 0, 0},
                                  {PACK_IC, conv->ic / conv->groups, 1}}};
}

static void separable_packs(struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    plan->pack = (struct pack){.axes = 5,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, conv->mid / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_H, 0, 0},
                                        {PACK_W, 0, 0}}};
    plan->pack2 = (struct pack){.axes = 2, .axis = {{PACK_OC, conv->oc, 1}, {PACK_IC, conv->mid, 1}}};
    plan->pack2_offset = pack_bytes(conv, &plan->pack, 0);
    plan->packed_bytes = plan->pack2_offset + pack_bytes(conv, &plan->pack2, 1);
}

static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    (void)target;
    struct plan plan = *base;
    const struct conv *conv = &plan.conv;
    plan.lanes = plan.tile_rows = plan.tile_vecs = plan.unroll = 1;
    plan.block_oc = conv->op == CJ_SEPARABLE ? conv->oc : conv->oc / conv->groups;
    plan.block_rows = 1;
    plan.block_cols = conv_most_outs(conv, AXIS_W);
    struct grid grid = grid_of_plan(&plan);
    plan.units = grid_units(&grid);
    if (conv->op == CJ_SEPARABLE) {
        separable_packs(&plan);
    } else {
        plan.pack = dense_pack(conv);
        plan.packed_bytes = pack_bytes(conv, &plan.pack, 0);
    }
    sink->add(sink->sink, &plan);
}

/* A few cycles a product, as additions wait for each other. The factor keeps it behind all others,
 * whatever they estimate. */
static double seconds(const struct plan *plan, const struct target *target)
{
    (void)target;
    double outputs = (double)plan->conv.oc;
    for (int a = 0; a < AXES; a++)
        outputs *= (double)plan->conv.axis[a].out;
    return 1 + (conv_flops(&plan->conv) + outputs) * 1e4 / MODEL_HERTZ;
}

const struct algo algo_reference = {"reference", accepts, candidates, seconds};
