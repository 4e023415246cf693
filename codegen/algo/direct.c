/* direct: lanes are output channels, rows of the tile are output pixels.
 *
 *     y[pixel][oc] = sum over (td, th, tw, ic) of x[pixel*stride + tap][ic] * w[tap][ic][oc]
 *
 * One step of the reduction loads tile_vecs vectors of weights, broadcasts tile_rows scalars of input and
 * multiplies each with each. Weights are packed [phase][group][oc block][td][th][tw][ic][oc in block], so the
 * innermost loop reads them straight through. Where taps along W and channels are one stretch of input,
 * they are one loop: it matters for inputs of a few channels.
 *
 * Where channels lie in blocks and are read in place, the sum goes block by block, each with all its taps: the
 * rows of a block are neighbours in memory, and its taps along W one stretch. Weights are in that order. */
#include "../product.h"
#include "../stage.h"

#include "../../src/arith.h"

/* A register block of output channels: the whole ones, or the rest behind them. */
struct block {
    int vecs, lanes_of_last;
    em_int weights; /* elements from the start of the packed weights */
    em_int channel; /* of the output */
};

struct direct {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr weights;
    int64_t channels; /* input channels of a group that lie together, for which weights are packed */
    int64_t used;     /* so many of them exist */
    struct product product;
};

static bool cols_and_channels_are_one_run(const struct direct *d)
{
    return d->source->split == 1 && d->used == d->channels &&
           d->source->tap[AXIS_W] == d->channels * d->source->channel;
}

/* The taps of one row of the kernel. */
static void emit_kernel_row(struct em *em, const struct direct *d, const struct tile *tile, em_ptr x, em_ptr w,
                            struct tap_range cols)
{
    if (cols_and_channels_are_one_run(d)) {
        em_int first = em_mulc(em, cols.begin, d->channels);
        em_int count = em_mulc(em, em_sub(em, cols.end, cols.begin), d->channels);
        product_run(em, &d->product, tile, em_offset(em, x, em_mulc(em, first, d->source->channel)),
                    em_offset(em, w, em_mulc(em, first, d->product.block)), count);
        return;
    }
    EM_FOR(em, tap, cols.begin, cols.end)
    product_run(em, &d->product, tile, em_offset(em, x, source_col_tap(em, d->source, tap.at)),
                em_offset(em, w, em_mulc(em, tap.at, d->channels * d->product.block)), em_i(em, d->used));
}

/* The sum over the channels that lie together. */
static void emit_taps(struct em *em, const struct direct *d, const struct tile *tile, em_ptr x, em_ptr base,
                      struct tap_range taps[AXES])
{
    EM_FOR(em, td, taps[AXIS_D].begin, taps[AXIS_D].end)
    EM_FOR(em, th, taps[AXIS_H].begin, taps[AXIS_H].end)
    {
        em_int row = em_add(em, em_mul(em, td.at, d->unit->axis[AXIS_H].taps), th.at);
        em_int step = em_mulc(em, d->unit->axis[AXIS_W].taps, d->channels * d->product.block);
        em_int at =
            em_add(em, em_mulc(em, td.at, d->source->tap[AXIS_D]), em_mulc(em, th.at, d->source->tap[AXIS_H]));
        emit_kernel_row(em, d, tile, em_offset(em, x, at), em_offset(em, base, em_mul(em, row, step)),
                        taps[AXIS_W]);
    }
}

static em_int all_taps(struct em *em, const struct unit *unit)
{
    em_int plane = em_mul(em, unit->axis[AXIS_H].taps, unit->axis[AXIS_W].taps);
    return em_mul(em, unit->axis[AXIS_D].taps, plane);
}

/* The whole sum for the tile whose first pixel, tap 0, is at x. */
static void emit_sum(struct em *em, const struct direct *d, const struct tile *tile, em_ptr x, em_int weights,
                     struct tap_range taps[AXES])
{
    const struct conv *conv = &d->plan->conv;
    int64_t channels = conv->ic / conv->groups, whole = channels / d->channels, rest = channels % d->channels;
    em_ptr w = em_offset(em, d->weights, weights);
    em_int size = em_mulc(em, all_taps(em, d->unit), d->channels * d->product.block);
    EM_FOR(em, b, em_i(em, 0), em_i(em, whole))
    emit_taps(em, d, tile, em_offset(em, x, source_channel(em, d->source, em_mulc(em, b.at, d->channels))),
              em_offset(em, w, em_mul(em, b.at, size)), taps);
    struct direct last = *d;
    last.used = rest;
    if (rest)
        emit_taps(em, &last, tile,
                  em_offset(em, x, source_channel(em, d->source, em_i(em, whole * d->channels))),
                  em_offset(em, w, em_mulc(em, size, whole)), taps);
}

static void emit_outputs(struct em *em, const struct direct *d, const struct tile *tile,
                         const struct block *block, em_int pixel)
{
    const struct conv *conv = &d->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct output_tile out = {.pixel = pixel,
                              .row_step = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c,
                              .channel = block->channel,
                              .multiple = grid_channel_multiple(d->plan, d->product.block),
                              .lane_channel = 1,
                              .lanes_of_last = block->lanes_of_last};
    epilogue_tile(em, d->epilogue, tile, &out);
}

/* One row of outputs, in tiles of one width. */
static void emit_row(struct em *em, const struct direct *d, const struct block *block, em_int row,
                     int64_t width)
{
    const struct unit *unit = d->unit;
    struct tile_range range = unit_tiles_of_width(em, unit, width);
    em_int col0 = unit_tile_col(em, unit, unit->tile0);
    struct tap_range taps[AXES];
    taps[AXIS_D] = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    taps[AXIS_H] = unit_taps(em, unit, AXIS_H, row, row);
    em_ptr line =
        em_offset(em, d->source->base, em_mulc(em, em_sub(em, row, unit->row0), d->source->out[AXIS_H]));
    EM_FOR(em, t, range.begin, range.end)
    {
        em_int col = unit_tile_col(em, unit, t.at);
        taps[AXIS_W] = unit_taps(em, unit, AXIS_W, col, em_addc(em, col, width - 1));
        struct tile tile =
            tile_open(em, (int)width, block->vecs, tile_unroll(d->plan, (int)width, block->vecs));
        em_ptr x = em_offset(em, line, em_mulc(em, em_sub(em, col, col0), d->source->out[AXIS_W]));
        emit_sum(em, d, &tile, x, block->weights, taps);
        emit_outputs(em, d, &tile, block, unit_pixel(em, unit, row, col));
    }
}

static void emit_block(struct em *em, const struct direct *d, struct block block, em_int number)
{
    const struct unit *unit = d->unit;
    const struct conv *conv = &d->plan->conv;
    int64_t inputs = round_up(conv->ic / conv->groups, d->channels);
    em_int size = em_mulc(em, all_taps(em, unit), inputs * d->product.block);
    block.weights = em_add(em, unit_weights(em, unit), em_mul(em, number, size));
    block.channel =
        em_add(em, em_mulc(em, unit->group, conv->oc / conv->groups), em_mulc(em, number, d->product.block));
    struct tile_widths widths = plan_tile_widths(d->plan);
    EM_FOR(em, row, unit->row0, unit->row1)
    for (int i = 0; i < widths.count; i++)
        emit_row(em, d, &block, row.at, widths.width[i]);
}

/* The unit's blocks: the whole ones in a loop, then the rest if the unit has it. */
static void emit_blocks(struct em *em, const struct direct *d)
{
    const struct conv *conv = &d->plan->conv;
    int64_t lanes = d->plan->lanes, channels = conv->oc / conv->groups;
    int64_t whole = channels / d->product.block, rest = channels % d->product.block;
    struct block full = {.vecs = (int)d->plan->tile_vecs, .lanes_of_last = (int)lanes};
    if (whole)
        EM_FOR(em, i, d->unit->block0, em_min(em, d->unit->block1, em_i(em, whole)))
    emit_block(em, d, full, i.at);
    int vecs = (int)ceil_div(rest, lanes);
    struct block last = {.vecs = vecs, .lanes_of_last = (int)(rest - (vecs - 1) * lanes)};
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), d->unit->block1))
    emit_block(em, d, last, em_i(em, whole));
}

void direct_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    struct direct direct = {.plan = plan,
                            .unit = stage->unit,
                            .source = stage->source,
                            .epilogue = stage->epilogue,
                            .weights = stage->weights,
                            .channels = grid_channels_together(plan),
                            .used = grid_channels_together(plan),
                            .product = {.plan = plan,
                                        .row_step = stage->source->out[AXIS_W],
                                        .k_step = stage->source->channel,
                                        .block = plan->tile_vecs * plan->lanes}};
    emit_blocks(em, &direct);
}

void emit_direct(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, direct_unit);
}
