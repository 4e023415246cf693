/* Y = A^T m A and what follows it: the outputs of Winograd's tiles.
 *
 * A row of tiles is transformed into Y for one vector of channels, where pixels lie side by side, before the
 * epilogue takes it by spans that suit it and not by tiles: so the edge of the output is nothing special. */
#include "winograd_steps.h"

#include "../src/arith.h"
#include "transform.h"

static int64_t lanes_of(const struct winograd_unit *u)
{
    return u->frame->plan->lanes;
}

/* How many outputs of the tile that begins at output `first` exist. */
static em_int outs_inside(struct em *em, const struct winograd_unit *u, int axis, em_int first)
{
    struct tiling t = winograd_tiling(u, axis);
    em_int size = t.step == 1 ? u->unit->axis[axis].outs : em_i(em, u->frame->plan->conv.axis[axis].out);
    em_int count = em_ceil_divc(em, em_sub(em, size, first), t.step);
    return em_clamp(em, count, em_i(em, 0), em_i(em, t.outs));
}

/* A^T m A of one vector of channels of one tile. */
static void emit_outputs(struct em *em, const struct winograd_unit *u, em_ptr m, em_ptr y)
{
    int64_t lanes = lanes_of(u), row = u->frame->w.alpha * lanes, point = u->frame->scratch.m_point;
    struct line from = {m, em_i(em, point)};
    if (u->frame->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->frame->w.alpha))
        {
            em_ptr at = em_offset(em, m, em_mulc(em, col.at, point));
            struct line half = {em_offset(em, u->frame->half, em_mulc(em, col.at, lanes)), em_i(em, row)};
            transform_output(em, &u->frame->h, half, (struct line){at, em_i(em, u->frame->w.alpha * point)});
        }
        from = (struct line){u->frame->half, em_i(em, lanes)};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->frame->h.outs))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, y, em_mulc(em, i.at, u->frame->scratch.y_row));
        transform_output(em, &u->frame->w, (struct line){to, em_i(em, lanes)}, line);
    }
}

/* `count` pixels of Y from `y` on go to the output from (row, col) on. */
struct span {
    em_ptr y;
    em_int row, col, channel;
    int count, lanes;
};

static void emit_span(struct em *em, const struct winograd_unit *u, const struct span *span)
{
    const struct conv *conv = &u->frame->plan->conv;
    int64_t out_step = conv_axis_phase(conv, AXIS_W, 0).out_step;
    struct tile tile = tile_open(em, span->count, 1, 1);
    for (int r = 0; r < span->count; r++)
        em_set(em, tile.sum[r], em_load(em, em_at(em, span->y, r * lanes_of(u))));
    em_int pixel = unit_pixel(em, u->unit, span->row, span->col);
    struct output_tile out = {.pixel = pixel,
                              .row_step = winograd_tiling(u, AXIS_W).step * out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c,
                              .channel = span->channel,
                              .multiple = grid_channel_multiple(u->frame->plan, lanes_of(u)),
                              .lane_channel = 1,
                              .lanes_of_last = span->lanes};
    epilogue_tile(em, u->frame->epilogue, &tile, &out);
}

/* Pixels that pass through the epilogue at once: squares of 8 by 8 elements change places where the output is
 * not channels innermost. */
enum { SPAN = 8 };

/* What whole spans of `size` leave of a row of the unit: one number for each phase of axis W, and for units at
 * the end of a row and others. */
static struct tile_widths rests_of(const struct winograd_unit *u, int64_t size)
{
    const struct conv *conv = &u->frame->plan->conv;
    int64_t cols = u->unit->grid.unit_tiles * u->frame->w.outs;
    struct tile_widths rests = {0};
    for (int64_t i = 0; i < conv_axis_phases(conv, AXIS_W); i++) {
        int64_t outs = conv_axis_phase(conv, AXIS_W, i).outs;
        widths_add(&rests, outs >= cols ? cols % size : 0);
        widths_add(&rests, outs % cols % size);
    }
    return rests;
}

/* `cols` pixels from span.y and span.col on: whole spans, then the rest. */
static void emit_columns(struct em *em, const struct winograd_unit *u, struct span span, em_int cols)
{
    em_ptr y = span.y;
    em_int first = span.col;
    span.count = SPAN;
    EM_FOR(em, i, em_i(em, 0), em_div(em, cols, em_i(em, SPAN)))
    {
        span.y = em_offset(em, y, em_mulc(em, i.at, SPAN * lanes_of(u)));
        span.col = em_add(em, first, em_mulc(em, i.at, SPAN));
        emit_span(em, u, &span);
    }
    em_int rest = em_rem(em, cols, em_i(em, SPAN)), done = em_sub(em, cols, rest);
    struct tile_widths rests = rests_of(u, SPAN);
    span.y = em_offset(em, y, em_mulc(em, done, lanes_of(u)));
    span.col = em_add(em, first, done);
    for (int i = 0; i < rests.count; i++) {
        span.count = (int)rests.width[i];
        EM_IF(em, em_eq(em, rest, em_i(em, span.count)))
        emit_span(em, u, &span);
    }
}

/* The pixels of one tile along a dilated axis: all, or one by one. */
static void emit_apart(struct em *em, const struct winograd_unit *u, struct span span, em_int cols)
{
    em_int all = em_i(em, u->frame->w.outs);
    span.count = u->frame->w.outs;
    EM_IF(em, em_eq(em, cols, all))
    emit_span(em, u, &span);
    em_ptr y = span.y;
    em_int first = span.col;
    span.count = 1;
    EM_FOR(em, i, em_i(em, 0), em_choose(em, em_eq(em, cols, all), em_i(em, 0), cols))
    {
        span.y = em_offset(em, y, em_mulc(em, i.at, lanes_of(u)));
        span.col = em_add(em, first, em_mulc(em, i.at, winograd_tiling(u, AXIS_W).step));
        emit_span(em, u, &span);
    }
}

/* A row of Y. Along a dilated axis the pixels of a tile lie apart, and tiles leave one by one. */
static void emit_row(struct em *em, const struct winograd_unit *u, struct span span)
{
    const struct unit *unit = u->unit;
    struct tiling tiling = winograd_tiling(u, AXIS_W);
    if (tiling.step == 1) {
        span.col = unit_tile_col(em, unit, unit->tile0);
        emit_columns(em, u, span, em_sub(em, unit_tile_col(em, unit, unit->tile1), span.col));
        return;
    }
    em_ptr y = span.y;
    EM_FOR(em, j, em_i(em, 0), u->cols)
    {
        span.y = em_offset(em, y, em_mulc(em, j.at, tiling.outs * lanes_of(u)));
        span.col = tiling_first(em, &tiling, em_add(em, unit->tile0, j.at));
        emit_apart(em, u, span, outs_inside(em, u, AXIS_W, span.col));
    }
}

/* The rows of Y of a row of tiles, for the unit's vector `vec` of channels. */
static void emit_rows(struct em *em, const struct winograd_unit *u, em_int tile_row, em_int vec)
{
    const struct conv *conv = &u->frame->plan->conv;
    const struct unit *unit = u->unit;
    struct tiling tiling = winograd_tiling(u, AXIS_H);
    int64_t channels = conv->oc / conv->groups, lanes = lanes_of(u), rest = channels % lanes;
    em_int first = em_add(em, em_mulc(em, unit->block0, u->frame->plan->tile_vecs), vec);
    em_int row0 =
        tiling_first(em, &tiling, em_add(em, em_div(em, unit->row0, em_i(em, tiling.outs)), tile_row));
    em_cond whole = em_lt(em, first, em_i(em, channels / lanes));
    struct span span = {.channel = em_add(em, em_mulc(em, unit->group, channels), em_mulc(em, first, lanes))};
    EM_FOR(em, i, em_i(em, 0), outs_inside(em, u, AXIS_H, row0))
    {
        span.y = em_offset(em, u->frame->y, em_mulc(em, i.at, u->frame->scratch.y_row));
        span.row = em_add(em, row0, em_mulc(em, i.at, tiling.step));
        span.lanes = (int)lanes;
        if (channels >= lanes)
            EM_IF(em, whole)
        emit_row(em, u, span);
        span.lanes = (int)rest;
        if (rest)
            EM_IF(em, em_not(em, whole))
        emit_row(em, u, span);
    }
}

void winograd_results(struct em *em, const struct winograd_unit *u)
{
    const struct unit *unit = u->unit;
    int64_t all = ceil_div(u->frame->plan->conv.oc / u->frame->plan->conv.groups, lanes_of(u)),
            vecs = u->frame->plan->tile_vecs;
    em_int end =
        em_sub(em, em_min(em, em_mulc(em, unit->block1, vecs), em_i(em, all)), em_mulc(em, unit->block0, vecs));
    EM_FOR(em, vec, em_i(em, 0), end)
    EM_FOR(em, i, em_i(em, 0), u->rows)
    {
        EM_FOR(em, j, em_i(em, 0), u->cols)
        {
            em_ptr m = em_offset(em, u->frame->m,
                                 em_mulc(em, winograd_tile(em, u, i.at, j.at), u->frame->scratch.m_tile));
            em_ptr y = em_offset(em, u->frame->y, em_mulc(em, j.at, u->frame->w.outs * lanes_of(u)));
            emit_outputs(em, u, em_offset(em, m, em_mulc(em, vec.at, lanes_of(u))), y);
        }
        emit_rows(em, u, i.at, vec.at);
    }
}
