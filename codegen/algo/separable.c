/* separable: a depthwise convolution and a pointwise one, fused per unit.
 *
 *     z[pixel][c*m + j] = sum over taps of x[pixel*stride + tap][c] * w[c*m + j][tap]
 *     y[pixel][oc]      = sum over mid channels of z[pixel][mid] * p[oc][mid]
 *
 * A unit computes z for its pixels into a block of scratch that stays in cache, then y from it: the
 * intermediate tensor never goes to memory. Both stages are the emissions of depthwise and direct, on plans
 * made for them by src/stages.c, over the same rows and columns. */
#include "../stage.h"

#include "../../src/stages.h"

/* Let element (row0, first column) of the unit fall on `block`: outputs are addressed by absolute positions. */
static em_ptr shifted_back(struct em *em, const struct unit *unit, const struct strides *strides, em_ptr block)
{
    em_int rows = em_mulc(em, unit->row0, strides->axis[AXIS_H]);
    em_int cols = em_mulc(em, unit_tile_col(em, unit, unit->tile0), strides->axis[AXIS_W]);
    return em_offset(em, block, em_sub(em, em_i(em, 0), em_add(em, rows, cols)));
}

static void emit_depthwise_stage(struct em *em, const struct plan *plan, const struct unit *whole, em_ptr block)
{
    struct unit unit = *whole;
    unit_adopt(em, &unit, plan);
    struct epilogue epilogue = {.conv = &plan->conv, .dst = shifted_back(em, &unit, &plan->conv.dst, block)};
    struct source source = unit_source(em, &unit);
    depthwise_unit(em, &(struct stage){plan, &unit, &source, &epilogue, em_argument(em, EM_WEIGHTS)});
}

static void emit_pointwise_stage(struct em *em, const struct plan *plan, const struct unit *whole,
                                 const struct stage *stage)
{
    struct unit unit = *whole;
    unit.plan = plan;
    unit.grid = grid_of_plan(plan);
    for (int a = 0; a < AXES; a++) {
        unit.axis[a].off0 = em_i(em, 0);
        unit.axis[a].taps = em_i(em, 1);
    }
    struct source source = {.base = stage->source->base, .channel = 1, .split = 1};
    source.out[AXIS_H] = plan->conv.src.axis[AXIS_H];
    source.out[AXIS_W] = source.tap[AXIS_W] = plan->conv.src.axis[AXIS_W];
    direct_unit(em, &(struct stage){plan, &unit, &source, stage->epilogue, stage->weights});
}

void emit_separable(struct em *em, const struct plan *plan)
{
    struct plan depthwise = stage_depthwise(plan), pointwise = stage_pointwise(plan);
    struct epilogue epilogue = epilogue_open(em, plan);
    struct source block = {.base = em_byte_offset(em, em_argument(em, EM_SCRATCH), stage_block_offset(plan))};
    em_ptr weights = em_byte_offset(em, em_argument(em, EM_WEIGHTS), plan->pack2_offset);
    EM_FOR(em, number, em_first_unit(em), em_last_unit(em))
    {
        struct unit unit = unit_open(em, plan, number.at);
        emit_depthwise_stage(em, &depthwise, &unit, block.base);
        emit_pointwise_stage(em, &pointwise, &unit, &(struct stage){plan, &unit, &block, &epilogue, weights});
    }
}
