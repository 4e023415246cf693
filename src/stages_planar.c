#include "stages_planar.h"

#include "arith.h"
#include "grid.h"
#include "model.h"

/* Elements from one channel of the block to the next: whole lines, which do not crowd into the same sets of the
 * cache. */
static int64_t channel_stride(const struct plan *separable)
{
    const struct conv *conv = &separable->conv;
    int64_t line = L1_LINE_BYTES / dtype_bytes((cj_dtype)conv->dtype);
    int64_t elements = round_up(separable->block_rows * conv->axis[AXIS_W].out, line);
    return grid_pixels_alias(conv, elements, conv->mid) ? elements + line : elements;
}

/* Rows of a stencil's tile: all tiles of a unit are whole, unless the unit is the whole plane. */
static int64_t rows_of_tile(const struct plan *separable, const struct plan *stage)
{
    const struct axis *h = &separable->conv.axis[AXIS_H];
    int64_t rows = separable->block_rows, most = model_stencil_rows(stage, 1);
    if (rows == h->out)
        return tiles_even(rows, most).size;
    while (rows % most)
        most--;
    return most;
}

struct plan planar_stage_depthwise(const struct plan *separable)
{
    struct plan plan = *separable;
    const struct axis *w = &separable->conv.axis[AXIS_W];
    plan.algo = ALGO_stencil;
    plan.conv.op = CJ_CONV;
    plan.conv.oc = plan.conv.mid;
    plan.conv.mid = 0;
    plan.conv.has_bias = 0;
    plan.conv.posts = 0;
    plan.conv.dst = (struct strides){.c = channel_stride(separable)};
    plan.conv.dst.axis[AXIS_H] = w->out;
    plan.conv.dst.axis[AXIS_W] = 1;
    plan.tile_vecs = 1;
    plan.tile_rows = rows_of_tile(separable, &plan);
    plan.unroll = model_stencil_unroll(&plan);
    plan.block_oc = plan.conv.oc / plan.conv.groups;
    plan.block_rows = round_up(separable->block_rows, plan.tile_rows);
    plan.block_cols = round_up(w->out, plan.lanes);
    struct grid grid = grid_of_plan(&plan);
    plan.units = grid_units(&grid);
    return plan;
}

struct plan planar_stage_pointwise(const struct plan *separable)
{
    struct plan plan = *separable;
    int64_t rows = separable->block_rows, cols = separable->conv.axis[AXIS_W].out;
    int64_t outs[AXES] = {separable->conv.axis[AXIS_D].out, separable->conv.axis[AXIS_H].out / rows,
                          rows * cols};
    plan.algo = ALGO_planar;
    plan.conv.op = CJ_CONV;
    plan.conv.groups = 1;
    plan.conv.ic = plan.conv.mid;
    plan.conv.mid = 0;
    plan.conv.pad_mode = CJ_PAD_ZEROS;
    plan.conv.src = (struct strides){.c = channel_stride(separable)};
    plan.conv.src.axis[AXIS_W] = 1;
    plan.conv.dst.axis[AXIS_H] *= rows;
    for (int a = 0; a < AXES; a++)
        plan.conv.axis[a] =
            (struct axis){.in = outs[a], .out = outs[a], .kernel = 1, .stride = 1, .dilation = 1};
    plan.pack = separable->pack2;
    plan.unroll = 1;
    plan.band = 0;
    plan.block_oc = plan.conv.oc;
    plan.block_rows = 1;
    plan.block_cols = round_up(outs[AXIS_W], plan.tile_vecs * plan.lanes);
    return plan;
}

int64_t planar_block_offset(const struct plan *separable)
{
    struct plan stage = planar_stage_depthwise(separable);
    return stage.band ? round_up(grid_band(&stage).elements * dtype_bytes((cj_dtype)stage.conv.dtype), 64) : 0;
}

int64_t planar_block_bytes(const struct plan *separable)
{
    int64_t elements = separable->conv.mid * channel_stride(separable);
    return round_up(elements * dtype_bytes((cj_dtype)separable->conv.dtype), 64);
}
