/* depthwise: lanes are channels, each with an input channel of its own; rows of the tile are output pixels.
 *
 *     y[pixel][c*m + j] = sum over (td, th, tw) of x[pixel*stride + tap][c] * w[j][tap][c]
 *
 * Nothing is reduced across channels, so each product takes a vector of input from memory and the kernel is
 * bound by loads; weights of a tap are loaded once for all pixels of a tile. Memory is walked in order: a tile
 * is computed for all blocks of channels before the next tile where channels are innermost, since with the
 * blocks outside, channels that lie 2 KB and more apart from pixel to pixel fall on few sets of L1 and many
 * pages; but block by block, each with all its pixels, where the layout has it so. Output channels of one input
 * channel (the multiplier m) are m sums over the same input. Weights are packed [phase][channel
 * block][j][td][th][tw][channel in block].
 *
 * Where two output rows share most of their input, a tile has both: a row of input is then read once for the
 * two, which halves what comes from L2 when rows of all channels do not fit L1. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

#include <assert.h>

/* A register block of channels: a whole one or the rest behind them, or either under a mask. */
struct block {
    int vecs, lanes_of_last;
    em_mask *inside; /* lanes of each vector, or NULL where they are known */
    em_int weights;  /* elements from the start of the packed weights, multiplier index 0 */
    em_int channel;  /* of the input */
};

/* Of a separable plan's depthwise stage; plans of depthwise itself have two. */
enum { MOST_VECS = 3 };

/* A tile of the block. */
struct tile_place {
    const struct block *block;
    em_int row, col;
    int64_t width;
    bool at_edge; /* its column is known, and some of its taps lie in the padding */
    bool pair;    /* it is this row and the next one, */
    em_cond both; /* if that is one of the unit's */
};

/* Output rows first .. end of a tile that one row of input contributes to, each with its taps there. */
struct parts {
    int first, end;
    em_ptr w[2];
};

struct depthwise {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr packed;
    em_int block0, block1; /* blocks of channels that each tile is computed for before the next one */
    int64_t block;         /* channels of a block */
    int64_t multiplier;    /* output channels for each input channel */
    em_int taps;           /* of the whole kernel */
};

/* Lanes behind the last channel are not the tensor's where the input is read in place. */
static em_vec load_pixel(struct em *em, const struct depthwise *d, const struct block *block, em_ptr x, int v)
{
    em_ptr from = em_offset(em, x, source_channel(em, d->source, em_i(em, v * d->plan->lanes)));
    if (block->inside && !d->plan->band)
        return em_load_masked(em, from, block->inside[v]);
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
                     const struct tile_place *place, em_ptr x, const struct parts *parts, em_int tap, int step)
{
    const struct block *block = place->block;
    int width = (int)place->width;
    em_ptr at = em_offset(em, x, source_col_tap(em, d->source, tap));
    for (int v = 0; v < tile->vecs; v++)
        for (int q = parts->first; q < parts->end; q++) {
            em_ptr w = em_offset(em, parts->w[q], em_mulc(em, tap, d->block));
            em_vec weight = em_load_aligned(em, em_at(em, w, v * d->plan->lanes));
            for (int r = 0; r < width; r++) {
                if (lies_outside(d, place, r, step))
                    continue;
                em_vec pixel = load_pixel(em, d, block, em_at(em, at, r * d->source->out[AXIS_W]), v);
                tile_add(em, tile, step, q * width + r, v, pixel, weight);
            }
        }
}

static void emit_kernel_row(struct em *em, const struct depthwise *d, const struct tile *tile,
                            const struct tile_place *place, em_ptr x, const struct parts *parts)
{
    int unroll = (int)d->plan->unroll;
    em_int taps = d->unit->axis[AXIS_W].taps, whole = em_sub(em, taps, em_rem(em, taps, em_i(em, unroll)));
    EM_STREAM(em, t, em_i(em, 0), whole, unroll)
    for (int k = 0; k < unroll; k++)
        emit_tap(em, d, tile, place, x, parts, em_addc(em, t.at, k), k);
    EM_FOR(em, t, whole, taps)
    emit_tap(em, d, tile, place, x, parts, t.at, 0);
}

/* One plane of the kernel: where its input and its weights begin, and the taps of each output row. */
struct plane {
    em_ptr x, w;
    struct tap_range taps[2];
};

/* Rows begin .. end of the plane's input, counted from the first one of the upper output row: row i is under
 * tap i of the upper output row and under tap i - 1 of the lower one. */
static void emit_input_rows(struct em *em, const struct depthwise *d, const struct tile *tile,
                            const struct tile_place *place, const struct plane *plane,
                            const struct tap_range *rows, struct parts parts)
{
    em_int row_size = em_mulc(em, d->unit->axis[AXIS_W].taps, d->block);
    EM_FOR(em, i, rows->begin, rows->end)
    {
        em_ptr x = em_offset(em, plane->x, em_mulc(em, i.at, d->source->tap[AXIS_H]));
        for (int q = parts.first; q < parts.end; q++)
            parts.w[q] = em_offset(em, plane->w, em_mul(em, em_addc(em, i.at, -q), row_size));
        emit_kernel_row(em, d, tile, place, x, &parts);
    }
}

static void emit_plane(struct em *em, const struct depthwise *d, const struct tile *tile,
                       const struct tile_place *place, const struct plane *plane)
{
    struct tap_range upper = plane->taps[0], lower = plane->taps[1];
    if (!place->pair) {
        emit_input_rows(em, d, tile, place, plane, &upper, (struct parts){.first = 0, .end = 1});
        return;
    }
    lower.begin = em_addc(em, lower.begin, 1), lower.end = em_addc(em, lower.end, 1);
    struct tap_range above = {upper.begin, em_min(em, upper.end, lower.begin)};
    struct tap_range shared = {em_max(em, upper.begin, lower.begin), em_min(em, upper.end, lower.end)};
    struct tap_range below = {em_max(em, lower.begin, upper.end), lower.end};
    emit_input_rows(em, d, tile, place, plane, &above, (struct parts){.first = 0, .end = 1});
    emit_input_rows(em, d, tile, place, plane, &shared, (struct parts){.first = 0, .end = 2});
    emit_input_rows(em, d, tile, place, plane, &below, (struct parts){.first = 1, .end = 2});
}

/* The taps of the lower output row: none, behind those of the upper one, where it is not the unit's. */
static struct tap_range lower_taps(struct em *em, const struct depthwise *d, const struct tile_place *place,
                                   const struct tap_range *upper)
{
    em_int row = em_addc(em, place->row, 1);
    struct tap_range taps = unit_taps(em, d->unit, AXIS_H, row, row);
    taps.begin = em_choose(em, place->both, taps.begin, upper->end);
    taps.end = em_choose(em, place->both, taps.end, upper->end);
    return taps;
}

static void emit_sum(struct em *em, const struct depthwise *d, const struct tile *tile,
                     const struct tile_place *place, em_ptr x, em_ptr w)
{
    const struct unit *unit = d->unit;
    em_int plane_size = em_mulc(em, em_mul(em, unit->axis[AXIS_H].taps, unit->axis[AXIS_W].taps), d->block);
    struct tap_range depth = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    struct plane plane = {.taps = {unit_taps(em, unit, AXIS_H, place->row, place->row)}};
    if (place->pair)
        plane.taps[1] = lower_taps(em, d, place, &plane.taps[0]);
    EM_FOR(em, td, depth.begin, depth.end)
    {
        plane.x = em_offset(em, x, em_mulc(em, td.at, d->source->tap[AXIS_D]));
        plane.w = em_offset(em, w, em_mul(em, td.at, plane_size));
        emit_plane(em, d, tile, place, &plane);
    }
}

/* Output channels c*m + j of the block's channels c, one j: `multiplier` channels apart. */
static void emit_outputs(struct em *em, const struct depthwise *d, const struct tile *tile,
                         const struct block *block, em_int j, em_int pixel)
{
    const struct conv *conv = &d->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    em_int channel = em_add(em, em_mulc(em, block->channel, d->multiplier), j);
    struct output_tile out = {.pixel = pixel,
                              .row_step = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c * d->multiplier,
                              .channel = channel,
                              .multiple = d->multiplier == 1 ? d->block : 1,
                              .lane_channel = d->multiplier,
                              .lanes_of_last = block->lanes_of_last,
                              .inside = block->inside};
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
    at = em_add(em, at, source_channel(em, d->source, channels));
    em_ptr x = em_offset(em, d->source->base, at);
    EM_FOR(em, j, em_i(em, 0), em_i(em, d->multiplier))
    {
        em_int skip = em_mul(em, j.at, em_mulc(em, d->taps, d->block));
        int width = (int)place->width, unroll = place->pair ? 1 : (int)d->plan->unroll;
        struct tile tile = tile_open(em, place->pair ? 2 * width : width, block->vecs, unroll);
        emit_sum(em, d, &tile, place, x, em_offset(em, d->packed, em_add(em, block->weights, skip)));
        struct tile upper = tile_part(&tile, 0, width), lower = tile_part(&tile, tile.rows - width, width);
        emit_outputs(em, d, &upper, block, j.at, unit_pixel(em, unit, place->row, place->col));
        if (place->pair)
            EM_IF(em, place->both)
        emit_outputs(em, d, &lower, block, j.at, unit_pixel(em, unit, em_addc(em, place->row, 1), place->col));
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

/* All blocks by one code, the last one's lanes cut off by a mask. */
static void emit_masked_blocks(struct em *em, const struct depthwise *d, const struct tile_place *place)
{
    struct block block = {.vecs = (int)d->plan->tile_vecs, .lanes_of_last = (int)d->plan->lanes};
    em_mask inside[MOST_VECS];
    assert(block.vecs <= MOST_VECS);
    EM_FOR(em, i, d->block0, d->block1)
    {
        for (int v = 0; v < block.vecs; v++) {
            em_int channel = em_addc(em, em_mulc(em, i.at, d->block), v * d->plan->lanes);
            inside[v] = em_inside(em, channel, d->plan->conv.groups);
        }
        block.inside = inside;
        emit_block(em, d, place, block, i.at);
    }
}

/* A tile's blocks of channels: the whole ones in a loop, then the rest if the unit has it. */
static void emit_blocks(struct em *em, const struct depthwise *d, const struct tile_place *place)
{
    int64_t lanes = d->plan->lanes, channels = d->plan->conv.groups;
    int64_t whole = channels / d->block, rest = channels % d->block;
    if (grid_masks_channels(d->plan)) {
        emit_masked_blocks(em, d, place);
        return;
    }
    struct block full = {.vecs = (int)d->plan->tile_vecs, .lanes_of_last = (int)lanes};
    if (whole)
        EM_FOR(em, i, d->block0, em_min(em, d->block1, em_i(em, whole)))
    emit_block(em, d, place, full, i.at);
    int vecs = (int)ceil_div(rest, lanes);
    struct block last = {.vecs = vecs, .lanes_of_last = (int)(rest - (vecs - 1) * lanes)};
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), d->block1))
    emit_block(em, d, place, last, em_i(em, whole));
}

/* Tiles begin .. end of the place's rows, which are at their edge. */
static void emit_edge(struct em *em, const struct depthwise *d, struct tile_place place, int64_t begin,
                      int64_t end)
{
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    place.at_edge = true;
    for (int64_t i = begin; i < end; i++) {
        place.width = i < tiles.big ? tiles.size : tiles.size - 1;
        place.col = unit_tile_col(em, d->unit, em_i(em, i));
        emit_blocks(em, d, &place);
    }
}

/* The tiles between the edges: all of them where there are no edges. */
static void emit_inside(struct em *em, const struct depthwise *d, struct tile_place place, em_int begin,
                        em_int end)
{
    struct tile_widths widths = plan_tile_widths(d->plan);
    for (int i = 0; i < widths.count; i++) {
        struct tile_range range = unit_tiles_of_width(em, d->unit, widths.width[i]);
        place.width = widths.width[i];
        EM_FOR(em, t, em_max(em, range.begin, begin), em_min(em, range.end, end))
        {
            place.col = unit_tile_col(em, d->unit, t.at);
            emit_blocks(em, d, &place);
        }
    }
}

/* Tiles at the edges, in pairs of rows if the others are none: else each row by itself, which is less code. */
static void emit_edges(struct em *em, const struct depthwise *d, const struct tile_place *place, int64_t begin,
                       int64_t end)
{
    struct edges edges = grid_edges(d->plan);
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    if (!place->pair || edges.first + edges.last == tiles.big + tiles.small) {
        emit_edge(em, d, *place, begin, end);
        return;
    }
    em_int rows = em_choose(em, place->both, em_i(em, 2), em_i(em, 1));
    EM_FOR(em, q, em_i(em, 0), rows)
    emit_edge(em, d, (struct tile_place){.row = em_add(em, place->row, q.at)}, begin, end);
}

static void emit_row(struct em *em, const struct depthwise *d, const struct tile_place *place)
{
    struct edges edges = grid_edges(d->plan);
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    int64_t count = tiles.big + tiles.small;
    em_int end = edges.last ? em_i(em, count - edges.last) : d->unit->tile1;
    emit_edges(em, d, place, 0, edges.first);
    emit_inside(em, d, *place, em_i(em, edges.first), end);
    emit_edges(em, d, place, count - edges.last, count);
}

static void emit_rows(struct em *em, const struct depthwise *d)
{
    const struct unit *unit = d->unit;
    int64_t step = grid_rows_pair(d->plan) ? 2 : 1;
    EM_FOR(em, i, em_i(em, 0), em_ceil_divc(em, em_sub(em, unit->row1, unit->row0), step))
    {
        struct tile_place place = {.row = em_add(em, unit->row0, em_mulc(em, i.at, step)), .pair = step == 2};
        place.both = em_lt(em, em_addc(em, place.row, 1), unit->row1);
        emit_row(em, d, &place);
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
                                  .block0 = stage->unit->block0,
                                  .block1 = stage->unit->block1,
                                  .block = plan->tile_vecs * plan->lanes,
                                  .multiplier = plan->conv.oc / plan->conv.groups,
                                  .taps = kernel_taps(em, stage->unit)};
    if (!grid_walks_blocks(plan)) {
        emit_rows(em, &depthwise);
        return;
    }
    EM_FOR(em, i, stage->unit->block0, stage->unit->block1)
    {
        depthwise.block0 = i.at;
        depthwise.block1 = em_addc(em, i.at, 1);
        emit_rows(em, &depthwise);
    }
}

void emit_depthwise(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, depthwise_unit);
}
