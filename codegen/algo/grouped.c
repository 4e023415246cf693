/* grouped: lanes are output channels of several groups; rows of the tile are output pixels.
 *
 *     y[pixel][g*m + j] = sum over (td, th, tw, k) of x[pixel*stride + tap][g*n + k] * w[g][j][tap][k]
 *
 * A group of n input and m output channels is narrower than a vector, so a vector holds as many whole groups as
 * it has room for. The inputs of its groups lie side by side; for step k of the reduction their vector is
 * shuffled so that each lane has the k-th channel of its own group. A shuffled pixel serves all taps of a turn
 * that meet it, so there are fewer shuffles than products. Weights are packed
 * [block of groups][td][th][tw][k][group in block][j]. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

struct grouped {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr packed;
    int64_t in, out; /* channels of a group */
    int64_t weights; /* of a vector: lanes that its groups fill */
};

/* A block of groups: as many as a vector holds, or the rest. */
struct block {
    int groups;
    em_int number;
};

struct place {
    const struct block *block;
    em_int row, col;
    int width;
};

/* Behind the last channel of a pixel there may be nothing where it is read in place. */
static em_vec load_pixel(struct em *em, const struct grouped *g, const struct block *block, em_ptr from, int k)
{
    int count = g->plan->band ? (int)g->plan->lanes : (int)(block->groups * g->in);
    em_vec pixel = em_load_strided(em, from, g->source->channel, count);
    return em_spread(em, pixel, (int)g->out, (int)g->in, k);
}

static void emit_turn(struct em *em, const struct grouped *g, const struct tile *tile,
                      const struct place *place, em_ptr x, em_ptr w)
{
    for (int k = 0; k < g->in; k++)
        for (int tap = 0; tap < g->plan->unroll; tap++) {
            em_vec weight = em_load_n(em, em_at(em, w, (tap * g->in + k) * g->weights), (int)g->weights);
            int64_t right = tap * g->source->tap[AXIS_W];
            for (int r = 0; r < tile->rows; r++) {
                em_ptr from = em_at(em, x, right + r * g->source->out[AXIS_W]);
                tile_add(em, tile, tap, r, 0, load_pixel(em, g, place->block, from, k), weight);
            }
        }
}

static void emit_kernel_row(struct em *em, const struct grouped *g, const struct tile *tile,
                            const struct place *place, em_ptr x, em_ptr w)
{
    EM_STREAM(em, t, em_i(em, 0), g->unit->axis[AXIS_W].taps, g->plan->unroll)
    emit_turn(em, g, tile, place, em_offset(em, x, em_mulc(em, t.at, g->source->tap[AXIS_W])),
              em_offset(em, w, em_mulc(em, t.at, g->in * g->weights)));
}

static void emit_sum(struct em *em, const struct grouped *g, const struct tile *tile, const struct place *place,
                     em_ptr x, em_ptr w)
{
    const struct axis *axis = g->plan->conv.axis;
    int64_t row_size = axis[AXIS_W].kernel * g->in * g->weights;
    struct tap_range taps[AXIS_W];
    taps[AXIS_D] = unit_taps(em, g->unit, AXIS_D, g->unit->depth, g->unit->depth);
    taps[AXIS_H] = unit_taps(em, g->unit, AXIS_H, place->row, place->row);
    EM_FOR(em, td, taps[AXIS_D].begin, taps[AXIS_D].end)
    {
        EM_FOR(em, th, taps[AXIS_H].begin, taps[AXIS_H].end)
        {
            em_int row = em_add(em, em_mulc(em, td.at, axis[AXIS_H].kernel), th.at);
            em_int at = em_add(em, em_mulc(em, td.at, g->source->tap[AXIS_D]),
                               em_mulc(em, th.at, g->source->tap[AXIS_H]));
            emit_kernel_row(em, g, tile, place, em_offset(em, x, at),
                            em_offset(em, w, em_mulc(em, row, row_size)));
        }
    }
}

static void emit_outputs(struct em *em, const struct grouped *g, const struct tile *tile,
                         const struct place *place)
{
    const struct conv *conv = &g->plan->conv;
    int64_t block = grid_channels(g->plan).block * g->out;
    em_int channel = em_mulc(em, place->block->number, block);
    em_int pixel = unit_pixel(em, g->unit, place->row, place->col);
    struct output_tile out = {.pixel = pixel,
                              .row_step = conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c,
                              .channel = channel,
                              .multiple = block,
                              .lane_channel = 1,
                              .lanes_of_last = (int)(place->block->groups * g->out)};
    epilogue_tile(em, g->epilogue, tile, &out);
}

static void emit_tile(struct em *em, const struct grouped *g, const struct place *place)
{
    const struct unit *unit = g->unit;
    const struct axis *axis = g->plan->conv.axis;
    em_int down = em_mulc(em, em_sub(em, place->row, unit->row0), g->source->out[AXIS_H]);
    em_int right = em_sub(em, place->col, unit_tile_col(em, unit, unit->tile0));
    em_int at = em_add(em, down, em_mulc(em, right, g->source->out[AXIS_W]));
    em_int blocks = em_sub(em, place->block->number, unit->block0);
    at = em_add(em, at, em_mulc(em, blocks, grid_channels(g->plan).block * g->in * g->source->channel));
    int64_t size = axis[AXIS_D].kernel * axis[AXIS_H].kernel * axis[AXIS_W].kernel * g->in * g->weights;
    struct tile tile = tile_open(em, place->width, 1, (int)g->plan->unroll);
    emit_sum(em, g, &tile, place, em_offset(em, g->source->base, at),
             em_offset(em, g->packed, em_mulc(em, place->block->number, size)));
    emit_outputs(em, g, &tile, place);
}

/* All blocks of the tile, so that memory is walked in order. */
static void emit_blocks(struct em *em, const struct grouped *g, em_int row, em_int col, int64_t width)
{
    struct channel_block channels = grid_channels(g->plan);
    int64_t whole = channels.channels / channels.block, rest = channels.channels % channels.block;
    struct block block = {.groups = (int)channels.block};
    struct place place = {&block, row, col, (int)width};
    EM_FOR(em, i, g->unit->block0, em_min(em, g->unit->block1, em_i(em, whole)))
    {
        block.number = i.at;
        emit_tile(em, g, &place);
    }
    block = (struct block){(int)rest, em_i(em, whole)};
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), g->unit->block1))
    emit_tile(em, g, &place);
}

static void emit_rows(struct em *em, const struct grouped *g)
{
    const struct unit *unit = g->unit;
    struct tile_widths widths = plan_tile_widths(g->plan);
    EM_FOR(em, row, unit->row0, unit->row1)
    for (int i = 0; i < widths.count; i++) {
        struct tile_range tiles = unit_tiles_of_width(em, unit, widths.width[i]);
        EM_FOR(em, t, tiles.begin, tiles.end)
        emit_blocks(em, g, row.at, unit_tile_col(em, unit, t.at), widths.width[i]);
    }
}

void grouped_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    struct grouped grouped = {.plan = plan,
                              .unit = stage->unit,
                              .source = stage->source,
                              .epilogue = stage->epilogue,
                              .packed = stage->weights,
                              .in = plan->conv.ic / plan->conv.groups,
                              .out = plan->conv.oc / plan->conv.groups};
    grouped.weights = grid_channels(plan).block * grouped.out;
    emit_rows(em, &grouped);
}

void emit_grouped(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, grouped_unit);
}
