/* winograd: minimal filtering, fused for each unit; see src/winograd.h for the mathematics.
 *
 *     V[point][tile][ic] = B^T d B                  of the tile's window d of the band, channel by channel
 *     M[point][tile][oc] = sum over (td, ic) of V[point][tile][td][ic] * U[point][td][ic][oc]
 *     Y[pixel][oc]       = A^T m A                  of the tile's points m of M, channel by channel
 *
 * A unit is a block of tiles. Its three blocks lie in scratch that stays in cache, and M = V * U is one matrix
 * product for each point, the micro-kernel of `direct`: rows of the register tile are Winograd tiles. Tiles at
 * the edge of the output reach over it into zeros; what they compute there is not stored. Along an axis without
 * taps (a 1-D convolution's H) a tile has one output and no transform; taps along D are summed in M.
 *
 * Y is made for one vector of channels and one row of tiles at a time, before the epilogue takes it by tiles of
 * its own: so bias, post-ops and stores of any layout are the epilogue's as everywhere. */
#include "../product.h"
#include "../stage.h"
#include "../transform.h"

#include "../../src/arith.h"

struct winograd_unit {
    const struct stage *stage;
    const struct plan *plan;
    const struct unit *unit;
    struct winograd h, w;
    struct winograd_scratch scratch;
    struct winograd_weights weights;
    em_ptr v, m, y, half; /* `half`: a tile transformed along H alone, [point of h][column] vectors */
    em_int rows, cols;    /* tiles of the unit */
};

static int64_t lanes_of(const struct winograd_unit *u)
{
    return u->plan->lanes;
}

/* Number of the tile in row i, column j. */
static em_int tile_number(struct em *em, const struct winograd_unit *u, em_int i, em_int j)
{
    return em_add(em, em_mulc(em, i, u->unit->grid.unit_tiles), j);
}

/* ---- V ---- */

/* One vector of channels of one tile, whose window begins at x. */
static void emit_window(struct em *em, const struct winograd_unit *u, em_ptr x, em_ptr v)
{
    const struct source *source = u->stage->source;
    int64_t lanes = lanes_of(u), row = u->w.alpha * lanes;
    struct line from = {x, source->tap[AXIS_W]};
    if (u->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->w.alpha))
        {
            em_ptr at = em_offset(em, x, em_mulc(em, col.at, source->tap[AXIS_W]));
            struct line half = {em_offset(em, u->half, em_mulc(em, col.at, lanes)), row};
            transform_input(em, &u->h, half, (struct line){at, source->tap[AXIS_H]});
        }
        from = (struct line){u->half, lanes};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->h.alpha))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, v, em_mulc(em, i.at, u->w.alpha * u->scratch.v_point));
        transform_input(em, &u->w, (struct line){to, u->scratch.v_point}, line);
    }
}

static void emit_windows(struct em *em, const struct winograd_unit *u, struct tap_range planes)
{
    const struct source *source = u->stage->source;
    int64_t channels = u->plan->conv.ic / u->plan->conv.groups;
    EM_FOR(em, td, planes.begin, planes.end)
    EM_FOR(em, i, em_i(em, 0), u->rows)
    EM_FOR(em, j, em_i(em, 0), u->cols)
    {
        em_ptr x = em_offset(em, source->base, em_mulc(em, td.at, source->tap[AXIS_D]));
        x = em_offset(em, x, em_mulc(em, i.at, u->h.outs * source->out[AXIS_H]));
        x = em_offset(em, x, em_mulc(em, j.at, u->w.outs * source->out[AXIS_W]));
        em_ptr v = em_offset(em, u->v, em_mulc(em, tile_number(em, u, i.at, j.at), u->scratch.v_tile));
        v = em_offset(em, v, em_mulc(em, td.at, u->scratch.plane));
        EM_FOR(em, c, em_i(em, 0), em_i(em, ceil_div(channels, lanes_of(u))))
        {
            em_int channel = em_mulc(em, c.at, lanes_of(u));
            emit_window(em, u, em_offset(em, x, channel), em_offset(em, v, channel));
        }
    }
}

/* ---- M ---- */

/* One register tile: plan->tile_rows tiles from `v`, one block of output channels. */
static void emit_product(struct em *em, const struct winograd_unit *u, em_ptr v, em_ptr weights, em_ptr m,
                         struct tap_range planes)
{
    const struct plan *plan = u->plan;
    int rows = (int)plan->tile_rows, vecs = (int)plan->tile_vecs;
    int64_t channels = plan->conv.ic / plan->conv.groups;
    struct product product = {plan, u->scratch.v_tile, 1, vecs * plan->lanes};
    struct tile tile = tile_open(em, rows, vecs, tile_unroll(plan, rows, vecs));
    EM_FOR(em, td, planes.begin, planes.end)
    product_run(em, &product, &tile, em_offset(em, v, em_mulc(em, td.at, u->scratch.plane)),
                em_offset(em, weights, em_mulc(em, td.at, channels * product.block)), em_i(em, channels));
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < vecs; i++)
            em_store(em, em_at(em, m, r * u->scratch.m_tile + i * plan->lanes), tile_sum(em, &tile, r, i));
}

static void emit_products(struct em *em, const struct winograd_unit *u, struct tap_range planes)
{
    const struct unit *unit = u->unit;
    const struct winograd_scratch *s = &u->scratch;
    int64_t rows = u->plan->tile_rows, block = u->plan->tile_vecs * u->plan->lanes;
    em_ptr weights = em_offset(em, u->stage->weights, em_mulc(em, unit->group, u->weights.group));
    em_int tiles = em_mulc(em, u->rows, unit->grid.unit_tiles);
    EM_FOR(em, point, em_i(em, 0), em_i(em, s->points))
    EM_FOR(em, b, unit->block0, unit->block1)
    EM_FOR(em, t, em_i(em, 0), em_ceil_divc(em, tiles, rows))
    {
        em_ptr v = em_offset(em, u->v, em_mulc(em, point.at, s->v_point));
        v = em_offset(em, v, em_mulc(em, t.at, rows * s->v_tile));
        em_ptr w = em_offset(em, weights, em_mulc(em, point.at, u->weights.point));
        w = em_offset(em, w, em_mulc(em, b.at, u->weights.block));
        em_ptr m = em_offset(em, u->m, em_mulc(em, point.at, s->m_point));
        m = em_offset(em, m, em_mulc(em, t.at, rows * s->m_tile));
        m = em_offset(em, m, em_mulc(em, em_sub(em, b.at, unit->block0), block));
        emit_product(em, u, v, w, m, planes);
    }
}

/* ---- Y and what follows it ---- */

/* One vector of channels of one tile. */
static void emit_outputs(struct em *em, const struct winograd_unit *u, em_ptr m, em_ptr y)
{
    int64_t lanes = lanes_of(u), row = u->w.alpha * lanes, point = u->scratch.m_point;
    struct line from = {m, point};
    if (u->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->w.alpha))
        {
            em_ptr at = em_offset(em, m, em_mulc(em, col.at, point));
            struct line half = {em_offset(em, u->half, em_mulc(em, col.at, lanes)), row};
            transform_output(em, &u->h, half, (struct line){at, u->w.alpha * point});
        }
        from = (struct line){u->half, lanes};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->h.outs))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, y, em_mulc(em, i.at, u->scratch.y_row));
        transform_output(em, &u->w, (struct line){to, lanes}, line);
    }
}

/* `count` pixels of Y from column `col` of a row at y go to the output. */
struct span {
    em_ptr y;
    em_int row, col, channel;
    int count, lanes;
};

static void emit_span(struct em *em, const struct winograd_unit *u, const struct span *span)
{
    const struct conv *conv = &u->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct tile tile = tile_open(em, span->count, 1, 1);
    em_ptr y = em_offset(em, span->y, em_mulc(em, span->col, lanes_of(u)));
    for (int r = 0; r < span->count; r++)
        em_set(em, tile.sum[r], em_load(em, em_at(em, y, r * lanes_of(u))));
    em_int first = unit_tile_col(em, u->unit, u->unit->tile0);
    em_int pixel = unit_pixel(em, u->unit, span->row, em_add(em, first, span->col));
    struct output_tile out = {.offset = em_add(em, pixel, em_mulc(em, span->channel, conv->dst.c)),
                              .row_step = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c,
                              .channel = span->channel,
                              .lane_channel = 1,
                              .lanes_of_last = span->lanes};
    epilogue_tile(em, u->stage->epilogue, &tile, &out);
}

/* Pixels that pass through the epilogue at once: squares of 8 by 8 elements change places where the output is
 * not channels innermost. */
enum { SPAN = 8 };

/* A row of Y: whole spans, then the rest, at once where its width is known now. */
static void emit_row(struct em *em, const struct winograd_unit *u, struct span span)
{
    const struct unit *unit = u->unit;
    em_int cols = em_sub(em, unit_tile_col(em, unit, unit->tile1), unit_tile_col(em, unit, unit->tile0));
    em_int whole = em_div(em, cols, em_i(em, SPAN));
    int64_t known;
    span.count = SPAN;
    EM_FOR(em, i, em_i(em, 0), whole)
    {
        span.col = em_mulc(em, i.at, SPAN);
        emit_span(em, u, &span);
    }
    span.col = em_mulc(em, whole, SPAN);
    if (em_known(cols, &known)) {
        span.count = (int)(known % SPAN);
        if (span.count)
            emit_span(em, u, &span);
        return;
    }
    span.count = 1;
    EM_FOR(em, i, span.col, cols)
    {
        span.col = i.at;
        emit_span(em, u, &span);
    }
}

/* The rows of Y of a row of tiles, for the unit's vector `vec` of channels. */
static void emit_rows(struct em *em, const struct winograd_unit *u, em_int tile_row, em_int vec)
{
    const struct conv *conv = &u->plan->conv;
    const struct unit *unit = u->unit;
    int64_t channels = conv->oc / conv->groups, lanes = lanes_of(u), rest = channels % lanes;
    em_int first = em_add(em, em_mulc(em, unit->block0, u->plan->tile_vecs), vec);
    em_int row0 = em_add(em, unit->row0, em_mulc(em, tile_row, u->h.outs));
    em_cond whole = em_lt(em, first, em_i(em, channels / lanes));
    struct span span = {.channel = em_add(em, em_mulc(em, unit->group, channels), em_mulc(em, first, lanes))};
    EM_FOR(em, i, em_i(em, 0), em_min(em, em_i(em, u->h.outs), em_sub(em, unit->row1, row0)))
    {
        span.y = em_offset(em, u->y, em_mulc(em, i.at, u->scratch.y_row));
        span.row = em_add(em, row0, i.at);
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

static void emit_results(struct em *em, const struct winograd_unit *u)
{
    const struct unit *unit = u->unit;
    int64_t all = ceil_div(u->plan->conv.oc / u->plan->conv.groups, lanes_of(u)), vecs = u->plan->tile_vecs;
    em_int end =
        em_sub(em, em_min(em, em_mulc(em, unit->block1, vecs), em_i(em, all)), em_mulc(em, unit->block0, vecs));
    EM_FOR(em, vec, em_i(em, 0), end)
    EM_FOR(em, i, em_i(em, 0), u->rows)
    {
        EM_FOR(em, j, em_i(em, 0), u->cols)
        {
            em_ptr m = em_offset(em, u->m, em_mulc(em, tile_number(em, u, i.at, j.at), u->scratch.m_tile));
            em_ptr y = em_offset(em, u->y, em_mulc(em, j.at, u->w.outs * lanes_of(u)));
            emit_outputs(em, u, em_offset(em, m, em_mulc(em, vec.at, lanes_of(u))), y);
        }
        emit_rows(em, u, i.at, vec.at);
    }
}

static void winograd_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    const struct unit *unit = stage->unit;
    struct winograd_unit u = {.stage = stage, .plan = plan, .unit = unit};
    u.h = winograd_matrices(plan->wino_rows, conv_most_taps(&plan->conv, AXIS_H));
    u.w = winograd_matrices(plan->wino_cols, conv_most_taps(&plan->conv, AXIS_W));
    u.scratch = winograd_scratch(plan);
    u.weights = winograd_weights(plan);
    em_ptr scratch = em_argument(em, EM_SCRATCH);
    u.v = em_at(em, scratch, u.scratch.v);
    u.m = em_at(em, scratch, u.scratch.m);
    u.y = em_at(em, scratch, u.scratch.y);
    u.half = em_room(em, (int64_t)u.h.alpha * u.w.alpha * plan->lanes);
    u.rows = em_ceil_divc(em, em_sub(em, unit->row1, unit->row0), plan->wino_rows);
    u.cols = em_sub(em, unit->tile1, unit->tile0);
    struct tap_range planes = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    emit_windows(em, &u, planes);
    emit_products(em, &u, planes);
    emit_results(em, &u);
}

void emit_winograd(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, winograd_unit);
}
