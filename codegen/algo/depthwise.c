/* depthwise: lanes are channels, each with an input channel of its own; rows of the tile are output pixels.
 *
 *     y[pixel][c*m + j] = sum over (td, th, tw) of x[pixel*stride + tap][c] * w[j][tap][c]
 *
 * Nothing is reduced across channels, so each product takes a vector of input from memory and the kernel is
 * bound by loads; weights of a tap are loaded once for all pixels of a tile. A tile is computed for all blocks
 * of channels before the next tile, so that memory is walked in order: with the blocks outside, channels that
 * lie 2 KB and more apart from pixel to pixel fall on few sets of L1 and many pages. Output channels of one
 * input channel (the multiplier m) are m sums over the same input. Weights are packed [phase][channel
 * block][j][td][th][tw][channel in block]. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

#include <assert.h>

/* A register block of channels: a whole one or the rest behind them. */
struct block {
    int vecs, lanes_of_last;
    em_int weights; /* elements from the start of the packed weights, multiplier index 0 */
    em_int channel; /* of the input */
};

/* A tile of the block. */
struct tile_place {
    const struct block *block;
    em_int row, col;
    int64_t width;
    bool at_edge; /* its column is known, and some of its taps lie in the padding */
};

struct depthwise {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr packed;
    int64_t block;      /* channels of a block */
    int64_t multiplier; /* output channels for each input channel */
    em_int taps;        /* of the whole kernel */
};

/* Lanes behind the last channel are not the tensor's where the input is read in place. */
static em_vec load_pixel(struct em *em, const struct depthwise *d, const struct block *block, em_ptr x, int v)
{
    em_ptr from = em_at(em, x, v * d->plan->lanes * d->source->channel);
    int lanes = v == block->vecs - 1 && !d->plan->band ? block->lanes_of_last : (int)d->plan->lanes;
    return em_load_strided(em, from, d->source->channel, lanes);
}

/* Whether tap `tap` of row `row` lies in the padding. Known only for a tile at the edge of a row that is read
 * in place: there the column is a constant, and all taps are unrolled. */
static bool lies_outside(const struct depthwise *d, const struct tile_place *place, int row, int tap)
{
    const struct conv *conv = &d->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    const struct phase_axis *p = &phase.axis[AXIS_W];
    int64_t first = 0;
    if (!place->at_edge)
        return false;
    bool known = em_known(place->col, &first);
    assert(known);
    (void)known;
    int64_t at = (first + row) * p->in_step + p->off0 + tap * p->off_step;
    return at < 0 || at >= conv->axis[AXIS_W].in;
}

static void emit_tap(struct em *em, const struct depthwise *d, const struct tile *tile,
                     const struct tile_place *place, em_ptr x, em_ptr w, int step)
{
    const struct block *block = place->block;
    for (int v = 0; v < tile->vecs; v++) {
        em_vec weight = em_load_aligned(em, em_at(em, w, v * d->plan->lanes));
        for (int r = 0; r < tile->rows; r++) {
            if (lies_outside(d, place, r, step))
                continue;
            em_vec pixel = load_pixel(em, d, block, em_at(em, x, r * d->source->out[AXIS_W]), v);
            tile_add(em, tile, step, r, v, pixel, weight);
        }
    }
}

static void emit_kernel_row(struct em *em, const struct depthwise *d, const struct tile *tile,
                            const struct tile_place *place, em_ptr x, em_ptr w)
{
    int unroll = (int)d->plan->unroll;
    em_int taps = d->unit->axis[AXIS_W].taps, whole = em_sub(em, taps, em_rem(em, taps, em_i(em, unroll)));
    EM_STREAM(em, t, em_i(em, 0), whole, unroll)
    for (int k = 0; k < unroll; k++) {
        em_int tap = em_addc(em, t.at, k);
        emit_tap(em, d, tile, place, em_offset(em, x, source_col_tap(em, d->source, tap)),
                 em_offset(em, w, em_mulc(em, tap, d->block)), k);
    }
    EM_FOR(em, t, whole, taps)
    emit_tap(em, d, tile, place, em_offset(em, x, source_col_tap(em, d->source, t.at)),
             em_offset(em, w, em_mulc(em, t.at, d->block)), 0);
}

static void emit_sum(struct em *em, const struct depthwise *d, const struct tile *tile,
                     const struct tile_place *place, em_ptr x, em_ptr w)
{
    em_int row_size = em_mulc(em, d->unit->axis[AXIS_W].taps, d->block);
    struct tap_range taps[AXIS_W];
    taps[AXIS_D] = unit_taps(em, d->unit, AXIS_D, d->unit->depth, d->unit->depth);
    taps[AXIS_H] = unit_taps(em, d->unit, AXIS_H, place->row, place->row);
    EM_FOR(em, td, taps[AXIS_D].begin, taps[AXIS_D].end)
    {
        EM_FOR(em, th, taps[AXIS_H].begin, taps[AXIS_H].end)
        {
            em_int row = em_add(em, em_mul(em, td.at, d->unit->axis[AXIS_H].taps), th.at);
            em_int at = em_add(em, em_mulc(em, td.at, d->source->tap[AXIS_D]),
                               em_mulc(em, th.at, d->source->tap[AXIS_H]));
            emit_kernel_row(em, d, tile, place, em_offset(em, x, at),
                            em_offset(em, w, em_mul(em, row, row_size)));
        }
    }
}

/* Output channels c*m + j of the block's channels c, one j: `multiplier` channels apart. */
static void emit_outputs(struct em *em, const struct depthwise *d, const struct tile *tile,
                         const struct block *block, em_int j, em_int pixel)
{
    const struct conv *conv = &d->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    em_int channel = em_add(em, em_mulc(em, block->channel, d->multiplier), j);
    struct output_tile out = {.offset = em_add(em, pixel, em_mulc(em, channel, conv->dst.c)),
                              .row_step = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c * d->multiplier,
                              .channel = channel,
                              .lane_channel = d->multiplier,
                              .lanes_of_last = block->lanes_of_last};
    epilogue_tile(em, d->epilogue, tile, &out);
}

static void emit_tile(struct em *em, const struct depthwise *d, const struct tile_place *place)
{
    const struct unit *unit = d->unit;
    const struct block *block = place->block;
    em_int down = em_mulc(em, em_sub(em, place->row, unit->row0), d->source->out[AXIS_H]);
    em_int right = em_sub(em, place->col, unit_tile_col(em, unit, unit->tile0));
    em_int at = em_add(em, down, em_mulc(em, right, d->source->out[AXIS_W]));
    em_int channels = em_sub(em, block->channel, em_mulc(em, unit->block0, d->block));
    at = em_add(em, at, em_mulc(em, channels, d->source->channel));
    em_ptr x = em_offset(em, d->source->base, at);
    EM_FOR(em, j, em_i(em, 0), em_i(em, d->multiplier))
    {
        em_int skip = em_mul(em, j.at, em_mulc(em, d->taps, d->block));
        struct tile tile = tile_open(em, (int)place->width, block->vecs, (int)d->plan->unroll);
        emit_sum(em, d, &tile, place, x, em_offset(em, d->packed, em_add(em, block->weights, skip)));
        emit_outputs(em, d, &tile, block, j.at, unit_pixel(em, unit, place->row, place->col));
    }
}

static void emit_block(struct em *em, const struct depthwise *d, const struct tile_place *tile,
                       struct block block, em_int number)
{
    struct tile_place place = *tile;
    em_int size = em_mulc(em, d->taps, d->block * d->multiplier);
    block.weights = em_add(em, unit_weights(em, d->unit), em_mul(em, number, size));
    block.channel = em_mulc(em, number, d->block);
    place.block = &block;
    emit_tile(em, d, &place);
}

/* A tile's blocks of channels: the whole ones in a loop, then the rest if the unit has it. */
static void emit_blocks(struct em *em, const struct depthwise *d, const struct tile_place *place)
{
    int64_t lanes = d->plan->lanes, channels = d->plan->conv.groups;
    int64_t whole = channels / d->block, rest = channels % d->block;
    struct block full = {.vecs = (int)d->plan->tile_vecs, .lanes_of_last = (int)lanes};
    if (whole)
        EM_FOR(em, i, d->unit->block0, em_min(em, d->unit->block1, em_i(em, whole)))
    emit_block(em, d, place, full, i.at);
    int vecs = (int)ceil_div(rest, lanes);
    struct block last = {.vecs = vecs, .lanes_of_last = (int)(rest - (vecs - 1) * lanes)};
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), d->unit->block1))
    emit_block(em, d, place, last, em_i(em, whole));
}

/* Tiles begin .. end, which are at the edge of the row. */
static void emit_edge(struct em *em, const struct depthwise *d, em_int row, int64_t begin, int64_t end)
{
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    for (int64_t i = begin; i < end; i++) {
        struct tile_place place = {
            .row = row, .at_edge = true, .width = i < tiles.big ? tiles.size : tiles.size - 1};
        place.col = unit_tile_col(em, d->unit, em_i(em, i));
        emit_blocks(em, d, &place);
    }
}

/* The tiles between the edges: all of them where there are no edges. */
static void emit_inside(struct em *em, const struct depthwise *d, em_int row, em_int begin, em_int end)
{
    struct tile_widths widths = plan_tile_widths(d->plan);
    for (int i = 0; i < widths.count; i++) {
        struct tile_range range = unit_tiles_of_width(em, d->unit, widths.width[i]);
        EM_FOR(em, t, em_max(em, range.begin, begin), em_min(em, range.end, end))
        {
            struct tile_place place = {.row = row, .width = widths.width[i]};
            place.col = unit_tile_col(em, d->unit, t.at);
            emit_blocks(em, d, &place);
        }
    }
}

static void emit_rows(struct em *em, const struct depthwise *d)
{
    const struct unit *unit = d->unit;
    struct edges edges = grid_edges(d->plan);
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    int64_t count = tiles.big + tiles.small;
    EM_FOR(em, row, unit->row0, unit->row1)
    {
        emit_edge(em, d, row.at, 0, edges.first);
        em_int end = edges.last ? em_i(em, count - edges.last) : unit->tile1;
        emit_inside(em, d, row.at, em_i(em, edges.first), end);
        emit_edge(em, d, row.at, count - edges.last, count);
    }
}

static em_int kernel_taps(struct em *em, const struct unit *unit)
{
    em_int plane = em_mul(em, unit->axis[AXIS_H].taps, unit->axis[AXIS_W].taps);
    return em_mul(em, unit->axis[AXIS_D].taps, plane);
}

void depthwise_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    struct depthwise depthwise = {.plan = plan,
                                  .unit = stage->unit,
                                  .source = stage->source,
                                  .epilogue = stage->epilogue,
                                  .packed = stage->weights,
                                  .block = plan->tile_vecs * plan->lanes,
                                  .multiplier = plan->conv.oc / plan->conv.groups,
                                  .taps = kernel_taps(em, stage->unit)};
    emit_rows(em, &depthwise);
}

void emit_depthwise(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, depthwise_unit);
}
