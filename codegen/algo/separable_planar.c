/* separable_planar: a depthwise convolution and a pointwise one, fused per unit, with columns in the lanes.
 *
 *     z[c*m + j][pixel] = sum over taps of x[c][pixel*stride + tap] * w[c*m + j][tap]
 *     y[oc][pixel]      = sum over mid channels of z[mid][pixel] * p[oc][mid]
 *
 * What `separable` is for channels that lie side by side, this is for columns that do (NCHW): nothing changes
 * places on the way. A unit computes z of some whole rows into a block of scratch that stays in cache, by the
 * emission of stencil, one channel after the other; then y from it, by that of planar, which knows these rows
 * as one. Both work on plans made for them by src/stages_planar.c. */
#include "../stage.h"

#include "../../src/stages_planar.h"

/* Let the unit's first row fall on `block`: outputs are addressed by absolute positions. */
static em_ptr shifted_back(struct em *em, const struct unit *unit, em_ptr block)
{
    em_int rows = em_mulc(em, unit->row0, unit->plan->conv.dst.axis[AXIS_H]);
    return em_offset(em, block, em_sub(em, em_i(em, 0), rows));
}

/* Block `number` of the batch's, of which each image has `blocks`, in every group of channels. */
static void emit_depthwise_stage(struct em *em, const struct plan *plan, int64_t blocks, em_int number,
                                 em_ptr scratch)
{
    int64_t groups = plan->conv.groups;
    em_int image = em_div(em, number, em_i(em, blocks));
    em_int within = em_sub(em, number, em_mulc(em, image, blocks));
    EM_FOR(em, group, em_i(em, 0), em_i(em, groups))
    {
        em_int of_group = em_add(em, em_mulc(em, image, groups), group.at);
        struct unit unit = unit_open(em, plan, em_add(em, em_mulc(em, of_group, blocks), within));
        struct epilogue epilogue = {.conv = &plan->conv, .dst = shifted_back(em, &unit, scratch)};
        struct source source = unit_source(em, &unit);
        stencil_unit(em, &(struct stage){plan, &unit, &source, &epilogue, em_argument(em, EM_WEIGHTS)});
    }
}

static void emit_pointwise_stage(struct em *em, const struct plan *plan, const struct part_range *parts,
                                 em_int number, const struct stage *stage)
{
    struct grid whole = grid_of_plan(stage->plan);
    struct unit unit = unit_open(em, plan, number);
    unit.block1 = em_min(em, em_mulc(em, parts->end, whole.unit_blocks), unit.block1);
    unit.block0 = em_mulc(em, parts->begin, whole.unit_blocks);
    planar_unit(em, &(struct stage){plan, &unit, stage->source, stage->epilogue, stage->weights});
}

void emit_separable_planar(struct em *em, const struct plan *plan)
{
    struct plan depthwise = planar_stage_depthwise(plan), pointwise = planar_stage_pointwise(plan);
    struct epilogue epilogue = epilogue_open(em, plan);
    em_ptr scratch = em_byte_offset(em, em_argument(em, EM_SCRATCH), planar_block_offset(plan));
    struct source source = {.base = scratch, .channel = pointwise.conv.src.c, .split = 1};
    source.out[AXIS_W] = source.tap[AXIS_W] = 1;
    struct stage stage = {.plan = plan, .source = &source, .epilogue = &epilogue};
    stage.weights = em_byte_offset(em, em_argument(em, EM_WEIGHTS), plan->pack2_offset);
    struct part_range blocks = blocks_of_call(em, plan);
    EM_FOR(em, block, blocks.begin, blocks.end)
    {
        struct part_range parts = parts_of_block(em, plan, block.at);
        emit_depthwise_stage(em, &depthwise, plan->units / plan_parts(plan), block.at, scratch);
        emit_pointwise_stage(em, &pointwise, &parts, block.at, &stage);
    }
}
