#include "stages.h"

#include "arith.h"
#include "grid.h"
#include "model.h"

/* Elements of the block of intermediate results from one column, one row to the next. */
static struct strides block_strides(const struct plan *separable)
{
    int64_t cols = grid_of_plan(separable).unit_tiles * separable->tile_rows;
    struct strides strides = {.c = 1};
    strides.axis[AXIS_W] = separable->conv.mid;
    strides.axis[AXIS_H] = separable->conv.mid * cols;
    return strides;
}

struct plan stage_depthwise(const struct plan *separable)
{
    struct plan plan = *separable;
    plan.algo = ALGO_depthwise;
    plan.conv.op = CJ_CONV;
    plan.conv.oc = plan.conv.mid;
    plan.conv.mid = 0;
    plan.conv.dst = block_strides(separable);
    plan.conv.zeros = 0;
    plan.conv.has_bias = 0;
    plan.conv.posts = 0;
    plan.block_oc = round_up(plan.conv.groups, plan.tile_vecs * plan.lanes);
    plan.unroll = model_depthwise_unroll((cj_isa)plan.isa, conv_most_taps(&plan.conv, AXIS_W));
    /* Units of whole rows leave each stage the tile that suits it. */
    if (grid_of_plan(separable).tile_units == 1) {
        int64_t cols = conv_most_outs(&plan.conv, AXIS_W);
        plan.tile_rows = model_depthwise_rows((cj_isa)plan.isa, plan.tile_vecs, cols);
        plan.block_cols = round_up(cols, plan.tile_rows);
    }
    plan.band = !grid_can_drop_band(&plan);
    return plan;
}

struct plan stage_pointwise(const struct plan *separable)
{
    struct plan plan = *separable;
    plan.algo = ALGO_direct;
    plan.conv.op = CJ_CONV;
    plan.conv.groups = 1;
    plan.conv.ic = plan.conv.mid;
    plan.conv.mid = 0;
    plan.conv.src = block_strides(separable);
    plan.conv.pad_mode = CJ_PAD_ZEROS;
    for (int a = 0; a < AXES; a++) {
        int64_t out = separable->conv.axis[a].out;
        plan.conv.axis[a] = (struct axis){.in = out, .out = out, .kernel = 1, .stride = 1, .dilation = 1};
    }
    plan.pack = separable->pack2;
    plan.unroll = model_unroll(plan.tile_rows * plan.tile_vecs);
    plan.band = 0;
    return plan;
}

int64_t stage_block_offset(const struct plan *separable)
{
    struct plan stage = stage_depthwise(separable);
    return stage.band ? round_up(grid_band(&stage).elements * dtype_bytes((cj_dtype)stage.conv.dtype), 64) : 0;
}

int64_t stage_block_bytes(const struct plan *separable)
{
    int64_t elements = block_strides(separable).axis[AXIS_H] * separable->block_rows;
    return round_up(elements * dtype_bytes((cj_dtype)separable->conv.dtype), 64);
}
