/* winograd: minimal filtering, fused for each unit; see src/winograd.h for the mathematics.
 *
 *     V[point][tile][ic] = B^T d B                  of the tile's window d of the band, channel by channel
 *     M[point][tile][oc] = sum over (plane, ic) of V[point][tile][plane][ic] * U[point][plane][ic][oc]
 *     Y[pixel][oc]       = A^T m A                  of the tile's points m of M, channel by channel
 *
 * A unit is a block of tiles. Its three blocks lie in scratch that stays in cache, and M = V * U is one matrix
 * product for each point, the micro-kernel of `direct`: rows of the register tile are Winograd tiles. Tiles at
 * the edge of the output reach over it into zeros; what they compute there is not stored. Along an axis without
 * taps (a 1-D convolution's H) a tile has one output and no transform. Taps along D, and the parts of a strided
 * kernel, are further planes of the input whose products are summed in M.
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
    struct winograd_axis axis[AXES];
    struct winograd_scratch scratch;
    struct winograd_weights weights;
    em_ptr v, m, y;
    em_ptr half;         /* a tile transformed along H alone, vectors [point of h][column] */
    em_ptr window, zero; /* the window of a tile at the edge, vectors [row][column]; a vector of zeros */
    em_int rows, cols;   /* tiles of the unit */
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

/* ---- Where tiles lie ---- */

/* An axis of the output as tiles take it: every `step`-th output, residue by residue, `tiles` tiles for each.
 */
struct tiling {
    int64_t step, tiles, outs; /* outs: of a tile */
};

static struct tiling tiling_of(const struct winograd_unit *u, int axis)
{
    struct phase_axis p = conv_axis_phase(&u->plan->conv, axis, 0);
    int64_t outs = axis == AXIS_H ? u->h.outs : u->w.outs, step = u->axis[axis].out_step;
    return (struct tiling){step, grid_outs(u->plan, axis, &p) / step / outs, outs};
}

/* The first output of tile number `tile` of the axis. */
static em_int tile_first(struct em *em, const struct tiling *t, em_int tile)
{
    if (t->step == 1)
        return em_mulc(em, tile, t->outs);
    em_int tiles = em_i(em, t->tiles);
    return em_add(em, em_div(em, tile, tiles), em_mulc(em, em_rem(em, tile, tiles), t->step * t->outs));
}

/* How many outputs of the tile that begins at output `first` exist. */
static em_int outs_inside(struct em *em, const struct winograd_unit *u, int axis, em_int first)
{
    struct tiling t = tiling_of(u, axis);
    em_int size = t.step == 1 ? u->unit->axis[axis].outs : em_i(em, u->plan->conv.axis[axis].out);
    em_int count = em_ceil_divc(em, em_sub(em, size, first), t.step);
    return em_clamp(em, count, em_i(em, 0), em_i(em, t.outs));
}

/* ---- V ---- */

/* The window of one tile, and where its vectors are: element (row, col) at `at` + row * step[0] + col *
 * step[1].
 */
struct window_of_tile {
    em_int row, col; /* coordinates of its first element in the input */
    em_ptr at;
    em_int step[2];
};

static em_cond is_inside(struct em *em, em_int at, int64_t size)
{
    return em_and(em, em_lt(em, em_i(em, -1), at), em_lt(em, at, em_i(em, size)));
}

/* Copy the window of a tile that reaches out of the input, with zeros there. */
static void gather_window(struct em *em, const struct winograd_unit *u, const struct window_of_tile *window)
{
    const struct axis *axis = u->plan->conv.axis;
    int64_t lanes = lanes_of(u), rows = u->axis[AXIS_H].step, cols = u->axis[AXIS_W].step;
    EM_FOR(em, r, em_i(em, 0), em_i(em, u->h.alpha))
    {
        em_int row = em_add(em, window->row, em_mulc(em, r.at, rows));
        em_cond row_inside = is_inside(em, row, axis[AXIS_H].in);
        em_ptr from = em_offset(em, window->at, em_mul(em, r.at, window->step[0]));
        em_ptr to = em_offset(em, u->window, em_mulc(em, r.at, u->w.alpha * lanes));
        for (int c = 0; c < u->w.alpha; c++) {
            em_int col = em_addc(em, window->col, c * cols);
            em_cond inside = em_and(em, row_inside, is_inside(em, col, axis[AXIS_W].in));
            em_ptr element = em_offset(em, from, em_mulc(em, window->step[1], c));
            em_vec value = em_load(em, em_choose_pointer(em, inside, element, u->zero));
            em_store(em, em_at(em, to, c * lanes), value);
        }
    }
}

/* B^T d B of one vector of channels. */
static void transform_window(struct em *em, const struct winograd_unit *u, const struct window_of_tile *window,
                             em_ptr v)
{
    int64_t lanes = lanes_of(u), row = u->w.alpha * lanes;
    struct line from = {window->at, window->step[1]};
    if (u->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->w.alpha))
        {
            em_ptr at = em_offset(em, window->at, em_mul(em, col.at, window->step[1]));
            struct line half = {em_offset(em, u->half, em_mulc(em, col.at, lanes)), em_i(em, row)};
            transform_input(em, &u->h, half, (struct line){at, window->step[0]});
        }
        from = (struct line){u->half, em_i(em, lanes)};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->h.alpha))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, v, em_mulc(em, i.at, u->w.alpha * u->scratch.v_point));
        transform_input(em, &u->w, (struct line){to, em_i(em, u->scratch.v_point)}, line);
    }
}

/* Whether no element of the window lies outside the input; always true where the band holds its padding. */
static em_cond window_is_inside(struct em *em, const struct winograd_unit *u,
                                const struct window_of_tile *window)
{
    const struct axis *axis = u->plan->conv.axis;
    em_int first[] = {window->row, window->col};
    int64_t alpha[] = {u->h.alpha, u->w.alpha};
    em_cond inside = em_lt(em, em_i(em, 0), em_i(em, 1));
    for (int a = 0; a < 2 && !u->plan->band; a++) {
        int64_t span = (alpha[a] - 1) * u->axis[AXIS_H + a].step, size = axis[AXIS_H + a].in;
        em_cond last = is_inside(em, em_addc(em, first[a], span), size);
        inside = em_and(em, inside, em_and(em, is_inside(em, first[a], size), last));
    }
    return inside;
}

/* All channels of one tile. `v` is its place for point 0, channel 0. */
static void emit_window(struct em *em, const struct winograd_unit *u, const struct window_of_tile *window,
                        em_ptr v)
{
    int64_t channels = u->plan->conv.ic / u->plan->conv.groups, lanes = lanes_of(u);
    em_cond inside = window_is_inside(em, u, window);
    EM_FOR(em, c, em_i(em, 0), em_i(em, ceil_div(channels, lanes)))
    {
        em_int channel = em_mulc(em, c.at, lanes);
        struct window_of_tile here = *window;
        here.at = em_offset(em, here.at, channel);
        if (!u->plan->band) {
            EM_IF(em, em_not(em, inside))
            gather_window(em, u, &here);
            here.at = em_choose_pointer(em, inside, here.at, u->window);
            here.step[0] = em_choose(em, inside, here.step[0], em_i(em, u->w.alpha * lanes));
            here.step[1] = em_choose(em, inside, here.step[1], em_i(em, lanes));
        }
        transform_window(em, u, &here, em_offset(em, v, channel));
    }
}

/* The input coordinate of the first element of a window of part 0. */
static em_int first_coordinate(struct em *em, const struct winograd_unit *u, int axis, em_int tile)
{
    struct tiling tiling = tiling_of(u, axis);
    int64_t in_step = conv_axis_phase(&u->plan->conv, axis, 0).in_step;
    return em_add(em, em_mulc(em, tile_first(em, &tiling, tile), in_step), u->unit->axis[axis].off0);
}

/* The coordinate of the source's base: part 0 of the unit's first output. */
static em_int base_coordinate(struct em *em, const struct winograd_unit *u, int axis, em_int output)
{
    int64_t in_step = conv_axis_phase(&u->plan->conv, axis, 0).in_step;
    return em_add(em, em_mulc(em, output, in_step), u->unit->axis[axis].off0);
}

/* Elements of the source from one coordinate to the next. */
static int64_t element_step(const struct winograd_unit *u, int axis)
{
    return u->stage->source->tap[axis] / conv_axis_phase(&u->plan->conv, axis, 0).off_step;
}

/* The windows of one plane: its tap along D and the parts that it reads; `v` is its place for tile 0. */
static void emit_plane(struct em *em, const struct winograd_unit *u, em_int td, em_int part[2], em_ptr v)
{
    const struct source *source = u->stage->source;
    const struct unit *unit = u->unit;
    int64_t row_step = element_step(u, AXIS_H), col_step = element_step(u, AXIS_W);
    em_int first_row = em_div(em, unit->row0, em_i(em, u->h.outs));
    em_int row0 = base_coordinate(em, u, AXIS_H, unit->row0);
    em_int col0 = base_coordinate(em, u, AXIS_W, unit_tile_col(em, unit, unit->tile0));
    em_ptr base = em_offset(em, source->base, em_mulc(em, td, source->tap[AXIS_D]));
    EM_FOR(em, i, em_i(em, 0), u->rows)
    EM_FOR(em, j, em_i(em, 0), u->cols)
    {
        em_int row = first_coordinate(em, u, AXIS_H, em_add(em, first_row, i.at));
        em_int col = first_coordinate(em, u, AXIS_W, em_add(em, unit->tile0, j.at));
        struct window_of_tile window = {
            .row = em_add(em, row, part[0]),
            .col = em_add(em, col, part[1]),
            .step = {em_i(em, u->axis[AXIS_H].step * row_step), em_i(em, u->axis[AXIS_W].step * col_step)}};
        em_ptr x = em_offset(em, base, em_mulc(em, em_sub(em, window.row, row0), row_step));
        window.at = em_offset(em, x, em_mulc(em, em_sub(em, window.col, col0), col_step));
        em_int number = tile_number(em, u, i.at, j.at);
        emit_window(em, u, &window, em_offset(em, v, em_mulc(em, number, u->scratch.v_tile)));
    }
}

static void emit_windows(struct em *em, const struct winograd_unit *u, struct tap_range planes)
{
    int64_t h = u->axis[AXIS_H].parts, w = u->axis[AXIS_W].parts;
    EM_FOR(em, plane, planes.begin, planes.end)
    {
        em_int part = em_rem(em, plane.at, em_i(em, h * w));
        em_int parts[2] = {em_div(em, part, em_i(em, w)), em_rem(em, part, em_i(em, w))};
        em_int td = em_div(em, plane.at, em_i(em, h * w));
        emit_plane(em, u, td, parts, em_offset(em, u->v, em_mulc(em, plane.at, u->scratch.plane)));
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
    EM_FOR(em, plane, planes.begin, planes.end)
    product_run(em, &product, &tile, em_offset(em, v, em_mulc(em, plane.at, u->scratch.plane)),
                em_offset(em, weights, em_mulc(em, plane.at, channels * product.block)), em_i(em, channels));
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < vecs; i++)
            em_store(em, em_at(em, m, r * u->scratch.m_tile + i * plan->lanes), tile_sum(em, &tile, r, i));
}

static void emit_products(struct em *em, const struct winograd_unit *u, struct tap_range planes)
{
    const struct unit *unit = u->unit;
    const struct winograd_scratch *s = &u->scratch;
    int64_t rows = u->plan->tile_rows, block = u->plan->tile_vecs * u->plan->lanes;
    em_int phase = em_i(em, 0);
    for (int a = 0; a < AXES; a++)
        phase = em_add(em, em_mulc(em, phase, conv_axis_phases(&u->plan->conv, a)), unit->phase[a]);
    em_ptr weights = em_offset(em, u->stage->weights, em_mulc(em, phase, u->weights.phase));
    weights = em_offset(em, weights, em_mulc(em, unit->group, u->weights.group));
    em_int tiles = em_mulc(em, u->rows, unit->grid.unit_tiles);
    EM_FOR(em, point, em_i(em, 0), em_i(em, winograd_points(u->plan)))
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

/* A^T m A of one vector of channels of one tile. */
static void emit_outputs(struct em *em, const struct winograd_unit *u, em_ptr m, em_ptr y)
{
    int64_t lanes = lanes_of(u), row = u->w.alpha * lanes, point = u->scratch.m_point;
    struct line from = {m, em_i(em, point)};
    if (u->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->w.alpha))
        {
            em_ptr at = em_offset(em, m, em_mulc(em, col.at, point));
            struct line half = {em_offset(em, u->half, em_mulc(em, col.at, lanes)), em_i(em, row)};
            transform_output(em, &u->h, half, (struct line){at, em_i(em, u->w.alpha * point)});
        }
        from = (struct line){u->half, em_i(em, lanes)};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->h.outs))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, y, em_mulc(em, i.at, u->scratch.y_row));
        transform_output(em, &u->w, (struct line){to, em_i(em, lanes)}, line);
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
    const struct conv *conv = &u->plan->conv;
    int64_t out_step = conv_axis_phase(conv, AXIS_W, 0).out_step;
    struct tile tile = tile_open(em, span->count, 1, 1);
    for (int r = 0; r < span->count; r++)
        em_set(em, tile.sum[r], em_load(em, em_at(em, span->y, r * lanes_of(u))));
    em_int pixel = unit_pixel(em, u->unit, span->row, span->col);
    struct output_tile out = {.offset = em_add(em, pixel, em_mulc(em, span->channel, conv->dst.c)),
                              .row_step = tiling_of(u, AXIS_W).step * out_step * conv->dst.axis[AXIS_W],
                              .lane_step = conv->dst.c,
                              .channel = span->channel,
                              .lane_channel = 1,
                              .lanes_of_last = span->lanes};
    epilogue_tile(em, u->stage->epilogue, &tile, &out);
}

/* Pixels that pass through the epilogue at once: squares of 8 by 8 elements change places where the output is
 * not channels innermost. */
enum { SPAN = 8 };

/* What whole spans of `size` leave of a row of the unit: one number for each phase of axis W, and for units at
 * the end of a row and others. */
static struct tile_widths rests_of(const struct winograd_unit *u, int64_t size)
{
    const struct conv *conv = &u->plan->conv;
    int64_t cols = u->unit->grid.unit_tiles * u->w.outs;
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
    em_int all = em_i(em, u->w.outs);
    span.count = u->w.outs;
    EM_IF(em, em_eq(em, cols, all))
    emit_span(em, u, &span);
    em_ptr y = span.y;
    em_int first = span.col;
    span.count = 1;
    EM_FOR(em, i, em_i(em, 0), em_choose(em, em_eq(em, cols, all), em_i(em, 0), cols))
    {
        span.y = em_offset(em, y, em_mulc(em, i.at, lanes_of(u)));
        span.col = em_add(em, first, em_mulc(em, i.at, tiling_of(u, AXIS_W).step));
        emit_span(em, u, &span);
    }
}

/* A row of Y. Along a dilated axis the pixels of a tile lie apart, and tiles leave one by one. */
static void emit_row(struct em *em, const struct winograd_unit *u, struct span span)
{
    const struct unit *unit = u->unit;
    struct tiling tiling = tiling_of(u, AXIS_W);
    if (tiling.step == 1) {
        span.col = unit_tile_col(em, unit, unit->tile0);
        emit_columns(em, u, span, em_sub(em, unit_tile_col(em, unit, unit->tile1), span.col));
        return;
    }
    em_ptr y = span.y;
    EM_FOR(em, j, em_i(em, 0), u->cols)
    {
        span.y = em_offset(em, y, em_mulc(em, j.at, tiling.outs * lanes_of(u)));
        span.col = tile_first(em, &tiling, em_add(em, unit->tile0, j.at));
        emit_apart(em, u, span, outs_inside(em, u, AXIS_W, span.col));
    }
}

/* The rows of Y of a row of tiles, for the unit's vector `vec` of channels. */
static void emit_rows(struct em *em, const struct winograd_unit *u, em_int tile_row, em_int vec)
{
    const struct conv *conv = &u->plan->conv;
    const struct unit *unit = u->unit;
    struct tiling tiling = tiling_of(u, AXIS_H);
    int64_t channels = conv->oc / conv->groups, lanes = lanes_of(u), rest = channels % lanes;
    em_int first = em_add(em, em_mulc(em, unit->block0, u->plan->tile_vecs), vec);
    em_int row0 = tile_first(em, &tiling, em_add(em, em_div(em, unit->row0, em_i(em, tiling.outs)), tile_row));
    em_cond whole = em_lt(em, first, em_i(em, channels / lanes));
    struct span span = {.channel = em_add(em, em_mulc(em, unit->group, channels), em_mulc(em, first, lanes))};
    EM_FOR(em, i, em_i(em, 0), outs_inside(em, u, AXIS_H, row0))
    {
        span.y = em_offset(em, u->y, em_mulc(em, i.at, u->scratch.y_row));
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
    for (int a = 0; a < AXES; a++)
        u.axis[a] = winograd_axis(&plan->conv, a);
    u.h = winograd_matrices(plan->wino_rows, u.axis[AXIS_H].taps);
    u.w = winograd_matrices(plan->wino_cols, u.axis[AXIS_W].taps);
    u.scratch = winograd_scratch(plan);
    u.weights = winograd_weights(plan);
    em_ptr scratch = em_argument(em, EM_SCRATCH);
    u.v = em_at(em, scratch, u.scratch.v);
    u.m = em_at(em, scratch, u.scratch.m);
    u.y = em_at(em, scratch, u.scratch.y);
    u.half = em_room(em, (int64_t)u.h.alpha * u.w.alpha * plan->lanes);
    if (!plan->band) {
        u.window = em_room(em, (int64_t)u.h.alpha * u.w.alpha * plan->lanes);
        u.zero = em_room(em, plan->lanes);
        em_store(em, u.zero, em_vconst(em, 0));
    }
    u.rows = em_ceil_divc(em, em_sub(em, unit->row1, unit->row0), plan->wino_rows);
    u.cols = em_sub(em, unit->tile1, unit->tile0);
    int64_t parts = u.axis[AXIS_H].parts * u.axis[AXIS_W].parts;
    struct tap_range taps = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    struct tap_range planes = {em_mulc(em, taps.begin, parts), em_mulc(em, taps.end, parts)};
    emit_windows(em, &u, planes);
    emit_products(em, &u, planes);
    emit_results(em, &u);
}

void emit_winograd(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, winograd_unit);
}
