/* Plans for `separable_planar`: see codegen/algo/separable_planar.c for the computation. */
#include "../algo.h"
#include "../arith.h"
#include "../grid.h"
#include "../model.h"
#include "../stages_planar.h"

static const char *accepts(const struct conv *conv, const struct target *target)
{
    (void)target;
    const struct strides *dst = &conv->dst;
    if (conv->op != CJ_SEPARABLE)
        return "fuses a depthwise stage with a pointwise one, this has one stage";
    if (conv->axis[AXIS_H].out == 1)
        return "shares input between output rows, this has one";
    if (dst->axis[AXIS_W] != 1 || dst->axis[AXIS_H] != conv->axis[AXIS_W].out)
        return "takes the rows of a channel of the output as one, which must lie one behind the other";
    return NULL;
}

static void set_packs(struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t rows = plan->tile_rows;
    plan->pack = (struct pack){.axes = 5,
                               .axis = {{PACK_GROUP, conv->groups, 1},
                                        {PACK_OC, conv->mid / conv->groups, 1},
                                        {PACK_D, 0, 0},
                                        {PACK_W, 0, 0},
                                        {PACK_H, 0, 0}}};
    plan->pack2 = (struct pack){
        .axes = 3,
        .axis = {{PACK_OC, ceil_div(conv->oc, rows), rows}, {PACK_IC, conv->mid, 1}, {PACK_OC, rows, 1}}};
    plan->pack2_offset = pack_bytes(conv, &plan->pack, 0);
    plan->packed_bytes = plan->pack2_offset + pack_bytes(conv, &plan->pack2, 1);
}

/* Few: threads that share a block of pixels compute its depthwise stage once each. */
enum { ENOUGH_UNITS = 2 };

static void finish(struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    plan->block_oc = conv->oc;
    plan->block_cols = round_up(conv->axis[AXIS_W].out, plan->tile_vecs * plan->lanes);
    struct plan depthwise = planar_stage_depthwise(plan);
    plan->band = !grid_stencil_in_place(&depthwise);
    plan->unroll = depthwise.unroll;
    plan->scratch_bytes = planar_block_offset(plan) + planar_block_bytes(plan);
    set_packs(plan);
    plan->block_oc = model_unit_channels(plan, ENOUGH_UNITS);
    struct grid grid = grid_of_plan(plan);
    plan->units = grid_units(&grid);
}

/* The least rows that share input well in a stencil's tile, and the least columns of a long row, of which the
 * rest of a vector at its end is a few in a hundred. */
enum { LEAST_ROWS = 7, LEAST_COLUMNS = 112, MOST_HEIGHTS = 3 };

static void add_tiles(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *base;
    const struct conv *conv = &plan.conv;
    plan.tile_rows = 1;
    for (plan.tile_vecs = 1; plan.tile_vecs <= 6; plan.tile_vecs++) {
        int64_t most = min64(model_tile_rows(target, plan.tile_vecs), conv->oc);
        if (most < 1 || (plan.tile_vecs - 1) * plan.lanes >= plan.block_rows * conv->axis[AXIS_W].out)
            break;
        struct plan whole = plan;
        whole.tile_rows = model_even_rows(conv->oc, most);
        finish(&whole);
        sink->add(sink->sink, &whole);
    }
}

/* Units of rows that divide the output's: the fewest that do well, and some more as long as L2 holds their
 * block; or, where there is no such number, the whole plane. */
static void candidates(const struct plan *base, const struct target *target, const struct candidates *sink)
{
    struct plan plan = *base;
    const struct conv *conv = &plan.conv;
    int64_t rows = conv->axis[AXIS_H].out, cols = conv->axis[AXIS_W].out, heights = 0;
    int64_t fit = target->l2 / 2 / (conv->mid * cols * dtype_bytes((cj_dtype)conv->dtype));
    plan.lanes = model_lanes(target, (cj_dtype)conv->dtype, cols * rows);
    for (int64_t r = LEAST_ROWS; r <= min64(rows, fit) && heights < MOST_HEIGHTS; r++) {
        if (rows % r || (r < rows && r * cols < LEAST_COLUMNS))
            continue;
        plan.block_rows = r;
        add_tiles(&plan, target, sink);
        heights++;
    }
    plan.block_rows = rows;
    if (heights == 0)
        add_tiles(&plan, target, sink);
}

/* Beside `separable`, whose exchanges are estimated too high: 1024 channels of 7x7 take 27% longer here where
 * estimates are equal, 128 of 56x56 10% less where this one's is 7% less (Zen 4). */
#define BESIDE_EXCHANGES 1.05

/* The pointwise weights are walked once for each block of pixels. */
static double seconds(const struct plan *plan, const struct target *target)
{
    struct plan depthwise = planar_stage_depthwise(plan), pointwise = planar_stage_pointwise(plan);
    double blocks = (double)depthwise.units / (double)depthwise.conv.groups;
    double weights = (double)(plan->packed_bytes - plan->pack2_offset);
    double products = algo_row(ALGO_planar)->seconds(&pointwise, target) * MODEL_HERTZ / blocks;
    double cycles = model_streamed(target, products, weights, weights) +
                    model_spill(target, (double)planar_block_bytes(plan));
    return algo_row(ALGO_stencil)->seconds(&depthwise, target) +
           BESIDE_EXCHANGES * blocks * cycles / MODEL_HERTZ;
}

const struct algo algo_separable_planar = {"separable_planar", accepts, candidates, seconds};
