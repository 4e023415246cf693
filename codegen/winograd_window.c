/* Where Winograd's tiles lie, and V = B^T d B: their windows of the input, transformed.
 *
 * A window inside the input, or in the band, is read where it lies. One that reaches over the edge is gathered
 * first, with zeros; so there is one transform, and addresses and steps are chosen for it. */
#include "winograd_steps.h"

#include "../src/arith.h"
#include "transform.h"

static int64_t lanes_of(const struct winograd_unit *u)
{
    return u->frame->plan->lanes;
}

em_int winograd_tile(struct em *em, const struct winograd_unit *u, em_int i, em_int j)
{
    return em_add(em, u->first, em_add(em, em_mulc(em, i, u->unit->grid.unit_tiles), j));
}

struct tiling winograd_tiling(const struct winograd_unit *u, int axis)
{
    const struct winograd_frame *f = u->frame;
    struct phase_axis p = conv_axis_phase(&f->plan->conv, axis, 0);
    int64_t outs = axis == AXIS_H ? f->h.outs : f->w.outs, step = f->axis[axis].out_step;
    return (struct tiling){step, grid_outs(f->plan, axis, &p) / step / outs, outs};
}

em_int tiling_first(struct em *em, const struct tiling *t, em_int tile)
{
    if (t->step == 1)
        return em_mulc(em, tile, t->outs);
    em_int tiles = em_i(em, t->tiles);
    return em_add(em, em_div(em, tile, tiles), em_mulc(em, em_rem(em, tile, tiles), t->step * t->outs));
}

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
    const struct axis *axis = u->frame->plan->conv.axis;
    int64_t lanes = lanes_of(u), rows = u->frame->axis[AXIS_H].step, cols = u->frame->axis[AXIS_W].step;
    EM_FOR(em, r, em_i(em, 0), em_i(em, u->frame->h.alpha))
    {
        em_int row = em_add(em, window->row, em_mulc(em, r.at, rows));
        em_cond row_inside = is_inside(em, row, axis[AXIS_H].in);
        em_ptr from = em_offset(em, window->at, em_mul(em, r.at, window->step[0]));
        em_ptr to = em_offset(em, u->frame->window, em_mulc(em, r.at, u->frame->w.alpha * lanes));
        for (int c = 0; c < u->frame->w.alpha; c++) {
            em_int col = em_addc(em, window->col, c * cols);
            em_cond inside = em_and(em, row_inside, is_inside(em, col, axis[AXIS_W].in));
            em_ptr element = em_offset(em, from, em_mulc(em, window->step[1], c));
            em_vec value = em_load(em, em_choose_pointer(em, inside, element, u->frame->zero));
            em_store(em, em_at(em, to, c * lanes), value);
        }
    }
}

/* B^T d B of one vector of channels. */
static void transform_window(struct em *em, const struct winograd_unit *u, const struct window_of_tile *window,
                             em_ptr v)
{
    int64_t lanes = lanes_of(u), row = u->frame->w.alpha * lanes;
    struct line from = {window->at, window->step[1]};
    if (u->frame->h.alpha > 1) {
        EM_FOR(em, col, em_i(em, 0), em_i(em, u->frame->w.alpha))
        {
            em_ptr at = em_offset(em, window->at, em_mul(em, col.at, window->step[1]));
            struct line half = {em_offset(em, u->frame->half, em_mulc(em, col.at, lanes)), em_i(em, row)};
            transform_input(em, &u->frame->h, half, (struct line){at, window->step[0]});
        }
        from = (struct line){u->frame->half, em_i(em, lanes)};
    }
    EM_FOR(em, i, em_i(em, 0), em_i(em, u->frame->h.alpha))
    {
        struct line line = {em_offset(em, from.at, em_mulc(em, i.at, row)), from.step};
        em_ptr to = em_offset(em, v, em_mulc(em, i.at, u->frame->w.alpha * u->frame->scratch.v_point));
        transform_input(em, &u->frame->w, (struct line){to, em_i(em, u->frame->scratch.v_point)}, line);
    }
}

/* Whether no element of the window lies outside the input; always true where the band holds its padding. */
static em_cond window_is_inside(struct em *em, const struct winograd_unit *u,
                                const struct window_of_tile *window)
{
    const struct axis *axis = u->frame->plan->conv.axis;
    em_int first[] = {window->row, window->col};
    int64_t alpha[] = {u->frame->h.alpha, u->frame->w.alpha};
    em_cond inside = em_lt(em, em_i(em, 0), em_i(em, 1));
    for (int a = 0; a < 2 && !u->frame->plan->band; a++) {
        int64_t span = (alpha[a] - 1) * u->frame->axis[AXIS_H + a].step, size = axis[AXIS_H + a].in;
        em_cond last = is_inside(em, em_addc(em, first[a], span), size);
        inside = em_and(em, inside, em_and(em, is_inside(em, first[a], size), last));
    }
    return inside;
}

/* All channels of one tile. `v` is its place for point 0, channel 0. */
static void emit_window(struct em *em, const struct winograd_unit *u, const struct window_of_tile *window,
                        em_ptr v)
{
    int64_t channels = u->frame->plan->conv.ic / u->frame->plan->conv.groups, lanes = lanes_of(u);
    em_cond inside = window_is_inside(em, u, window);
    EM_FOR(em, c, em_i(em, 0), em_i(em, ceil_div(channels, lanes)))
    {
        em_int channel = em_mulc(em, c.at, lanes);
        struct window_of_tile here = *window;
        here.at = em_offset(em, here.at, source_channel(em, u->source, channel));
        if (!u->frame->plan->band) {
            EM_IF(em, em_not(em, inside))
            gather_window(em, u, &here);
            here.at = em_choose_pointer(em, inside, here.at, u->frame->window);
            here.step[0] = em_choose(em, inside, here.step[0], em_i(em, u->frame->w.alpha * lanes));
            here.step[1] = em_choose(em, inside, here.step[1], em_i(em, lanes));
        }
        transform_window(em, u, &here, em_offset(em, v, channel));
    }
}

/* The input coordinate of the first element of a window of part 0. */
static em_int first_coordinate(struct em *em, const struct winograd_unit *u, int axis, em_int tile)
{
    struct tiling tiling = winograd_tiling(u, axis);
    int64_t in_step = conv_axis_phase(&u->frame->plan->conv, axis, 0).in_step;
    return em_add(em, em_mulc(em, tiling_first(em, &tiling, tile), in_step), u->unit->axis[axis].off0);
}

/* The coordinate of the source's base: part 0 of the unit's first output. */
static em_int base_coordinate(struct em *em, const struct winograd_unit *u, int axis, em_int output)
{
    int64_t in_step = conv_axis_phase(&u->frame->plan->conv, axis, 0).in_step;
    return em_add(em, em_mulc(em, output, in_step), u->unit->axis[axis].off0);
}

/* Elements of the source from one coordinate to the next. */
static int64_t element_step(const struct winograd_unit *u, int axis)
{
    return u->source->tap[axis] / conv_axis_phase(&u->frame->plan->conv, axis, 0).off_step;
}

/* The windows of one plane: its tap along D and the parts that it reads; `v` is its place for tile 0. */
static void emit_plane(struct em *em, const struct winograd_unit *u, em_int td, em_int part[2], em_ptr v)
{
    const struct source *source = u->source;
    const struct unit *unit = u->unit;
    int64_t row_step = element_step(u, AXIS_H), col_step = element_step(u, AXIS_W);
    em_int first_row = em_div(em, unit->row0, em_i(em, u->frame->h.outs));
    em_int row0 = base_coordinate(em, u, AXIS_H, unit->row0);
    em_int col0 = base_coordinate(em, u, AXIS_W, unit_tile_col(em, unit, unit->tile0));
    em_ptr base = em_offset(em, source->base, em_mulc(em, td, source->tap[AXIS_D]));
    EM_FOR(em, i, em_i(em, 0), u->rows)
    EM_FOR(em, j, em_i(em, 0), u->cols)
    {
        em_int row = first_coordinate(em, u, AXIS_H, em_add(em, first_row, i.at));
        em_int col = first_coordinate(em, u, AXIS_W, em_add(em, unit->tile0, j.at));
        struct window_of_tile window = {.row = em_add(em, row, part[0]),
                                        .col = em_add(em, col, part[1]),
                                        .step = {em_i(em, u->frame->axis[AXIS_H].step * row_step),
                                                 em_i(em, u->frame->axis[AXIS_W].step * col_step)}};
        em_ptr x = em_offset(em, base, em_mulc(em, em_sub(em, window.row, row0), row_step));
        window.at = em_offset(em, x, em_mulc(em, em_sub(em, window.col, col0), col_step));
        em_int number = winograd_tile(em, u, i.at, j.at);
        emit_window(em, u, &window, em_offset(em, v, em_mulc(em, number, u->frame->scratch.v_tile)));
    }
}

void winograd_windows(struct em *em, const struct winograd_unit *u)
{
    int64_t h = u->frame->axis[AXIS_H].parts, w = u->frame->axis[AXIS_W].parts;
    EM_FOR(em, plane, u->planes.begin, u->planes.end)
    {
        em_int part = em_rem(em, plane.at, em_i(em, h * w));
        em_int parts[2] = {em_div(em, part, em_i(em, w)), em_rem(em, part, em_i(em, w))};
        em_int td = em_div(em, plane.at, em_i(em, h * w));
        em_ptr v = em_offset(em, u->frame->v, em_mulc(em, plane.at, u->frame->scratch.plane));
        emit_plane(em, u, td, parts, v);
    }
}
