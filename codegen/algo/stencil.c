/* stencil: lanes are output columns, rows of the tile are output rows of one channel.
 *
 *     y[row][col] = sum over (ic, td, tw, th) of x[ic][row*stride + th][col*stride + tw] * w[ic][td][tw][th]
 *
 * A vector of input that lies `tw` columns aside serves every output row whose taps meet it, so a tile of R
 * rows takes R + taps - 1 loads for R * taps products: such loads cross lines, which costs two cycles each and
 * bounds a kernel that loads for every product. It is the order for channels that share nothing with each
 * other (depthwise, few channels in a group) where the columns of a channel lie side by side. Weights are
 * packed [group][oc][ic][td][tw][th].
 *
 * Read in place, columns outside are masked. Tiles at the upper and lower edge are emitted apart, with their
 * rows known, and leave the taps outside out of their sums; where they are too many, the band holds zeros. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

struct stencil {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr weights; /* of this output channel */
    em_int channel;
    bool masked; /* some columns may lie outside the tensor */
};

/* A tile: `rows` output rows from `row`, and the columns from `col`. */
struct place {
    em_int row, col;
    int rows;
};

/* Taps th .. th + count of one column of the kernel. */
struct pass {
    const struct place *place;
    em_int tw, th;
    int count;
    em_ptr x, w; /* at tap th, tw */
    int step;    /* of the turn */
    em_mask inside[TILE_MAX];
};

/* Fewer sums of a tile are split to hide their latency; more would take the registers of the input's rows. */
enum { ENOUGH_SUMS = 4 };

static struct phase_axis axis_of(const struct stencil *s, int axis)
{
    return conv_axis_phase(&s->plan->conv, axis, 0);
}

/* Whether row `line` of the input under the tile is known to lie outside. */
static bool lies_outside(const struct stencil *s, const struct pass *pass, int64_t line)
{
    struct phase_axis p = axis_of(s, AXIS_H);
    int64_t first, th;
    if (grid_rows_in_band(s->plan) || !em_known(pass->place->row, &first) || !em_known(pass->th, &th))
        return false;
    int64_t at = first * p.in_step + p.off0 + th * p.off_step + line;
    return at < 0 || at >= s->plan->conv.axis[AXIS_H].in;
}

/* Rows of input that a row's ends reach into, before it and behind it, as vectors overhang and padding does. */
struct reach {
    int64_t before, behind;
};

static struct reach reach_of(const struct stencil *s, int64_t pitch)
{
    const struct conv *conv = &s->plan->conv;
    struct phase_axis p = axis_of(s, AXIS_W);
    int64_t width = s->plan->tile_vecs * s->plan->lanes;
    int64_t last = round_up(p.outs, width) - 1 + p.off0 + (p.taps - 1) * p.off_step;
    return (struct reach){ceil_div(max64(-p.off0, 0), pitch),
                          ceil_div(max64(last - conv->axis[AXIS_W].in + 1, 0), pitch)};
}

/* Whether columns outside may be read all the same: they are another row's, and the first and the last rows,
 * beside which there is none, are out of reach. */
static bool may_overhang(const struct stencil *s, const struct pass *pass, int64_t line)
{
    int64_t size = s->plan->tile_rows, in = s->plan->conv.axis[AXIS_H].in, first, last, th;
    struct edges edges = grid_row_edges(s->plan);
    int64_t pitch = s->plan->conv.src.axis[AXIS_H]; /* 0 where all rows are one in memory */
    struct phase_axis p = axis_of(s, AXIS_H);
    if (!em_known(pass->th, &th) || pitch < 1)
        return false;
    struct reach reach = reach_of(s, pitch);
    if (em_known(pass->place->row, &first))
        last = first;
    else {
        first = edges.first * size;
        last = (ceil_div(p.outs, size) - edges.last - 1) * size;
    }
    int64_t ahead = p.off0 + th * p.off_step + line;
    return first * p.in_step + ahead >= reach.before && last * p.in_step + ahead < in - reach.behind;
}

/* Lanes whose column lies inside, for each vector of the tile. */
static void find_columns(struct em *em, const struct stencil *s, const struct pass *pass, em_mask inside[])
{
    struct phase_axis p = axis_of(s, AXIS_W);
    em_int first = em_add(em, pass->place->col, em_mulc(em, pass->tw, p.off_step));
    for (int v = 0; v < (int)s->plan->tile_vecs && s->masked; v++) {
        em_int col = em_addc(em, first, v * s->plan->lanes + p.off0);
        inside[v] = em_unknown(em, em_inside(em, col, s->plan->conv.axis[AXIS_W].in));
    }
}

/* The output row of the tile that has tap `tap` on row `line` of the input under it, or -1. */
static int row_under(const struct stencil *s, const struct tile *tile, int64_t line, int tap)
{
    const struct axis *h = &s->plan->conv.axis[AXIS_H];
    int64_t ahead = line - tap * h->dilation;
    bool has = ahead >= 0 && ahead % h->stride == 0 && ahead / h->stride < tile->rows;
    return has ? (int)(ahead / h->stride) : -1;
}

/* Row `line` of the input under tap `tap`. The compiler loads once what several taps ask for. */
static void emit_products(struct em *em, const struct stencil *s, const struct tile *tile,
                          const struct pass *pass, int64_t line, int tap)
{
    int row = row_under(s, tile, line, tap);
    if (row < 0 || lies_outside(s, pass, line))
        return;
    em_ptr from = em_at(em, pass->x, row * s->source->out[AXIS_H] + tap * s->source->tap[AXIS_H]);
    em_vec weight = em_broadcast(em, em_at(em, pass->w, tap));
    bool overhangs = s->masked && may_overhang(s, pass, line);
    for (int v = 0; v < tile->vecs; v++) {
        em_ptr at = em_at(em, from, v * s->plan->lanes);
        if (overhangs)
            tile_add_masked(em, tile, (struct tile_at){pass->step, row, v}, em_load(em, at), weight,
                            pass->inside[v]);
        else if (s->masked)
            tile_add(em, tile, pass->step, row, v, em_load_masked(em, at, pass->inside[v]), weight);
        else
            tile_add(em, tile, pass->step, row, v, em_load(em, at), weight);
    }
}

/* Row of input by row of input, or tap by tap: see grid_keeps_weights. */
static void emit_pass(struct em *em, const struct stencil *s, const struct tile *tile, const struct pass *pass)
{
    const struct axis *h = &s->plan->conv.axis[AXIS_H];
    int64_t lines = (tile->rows - 1) * h->stride + (pass->count - 1) * h->dilation + 1;
    bool by_line = grid_keeps_weights(s->plan);
    int64_t outer = by_line ? lines : pass->count, inner = by_line ? pass->count : lines;
    for (int64_t i = 0; i < outer; i++)
        for (int64_t k = 0; k < inner; k++)
            emit_products(em, s, tile, pass, by_line ? i : k, (int)(by_line ? k : i));
}

/* All columns of the kernel, for one range of its rows. */
static void emit_columns(struct em *em, const struct stencil *s, const struct tile *tile, const struct pass *at)
{
    int unroll = (int)s->plan->unroll;
    int64_t high = s->plan->conv.axis[AXIS_H].kernel;
    EM_STREAM(em, t, em_i(em, 0), s->unit->axis[AXIS_W].taps, unroll)
    for (int k = 0; k < unroll; k++) {
        struct pass pass = *at;
        pass.tw = em_addc(em, t.at, k);
        pass.x = em_offset(em, at->x, source_col_tap(em, s->source, pass.tw));
        pass.w = em_offset(em, at->w, em_mulc(em, pass.tw, high));
        pass.step = k;
        find_columns(em, s, &pass, pass.inside);
        emit_pass(em, s, tile, &pass);
    }
}

/* The rows of the kernel, `count` in a turn, from tap `begin`: returns the tap behind the last. */
static em_int emit_turns(struct em *em, const struct stencil *s, const struct tile *tile, const struct pass *at,
                         const struct tap_range *range)
{
    em_int turns = em_div(em, em_sub(em, range->end, range->begin), em_i(em, at->count));
    EM_FOR(em, i, em_i(em, 0), turns)
    {
        struct pass pass = *at;
        pass.th = em_add(em, range->begin, em_mulc(em, i.at, at->count));
        pass.x = em_offset(em, at->x, em_mulc(em, pass.th, s->source->tap[AXIS_H]));
        pass.w = em_offset(em, at->w, pass.th);
        emit_columns(em, s, tile, &pass);
    }
    return em_add(em, range->begin, em_mulc(em, turns, at->count));
}

/* Rows of the kernel that some row of the tile needs; all where a turn holds them. */
static struct tap_range rows_of_taps(struct em *em, const struct stencil *s, const struct place *place)
{
    int64_t taps = s->plan->conv.axis[AXIS_H].kernel;
    if (grid_taps_in_turn(&s->plan->conv) == taps)
        return (struct tap_range){em_i(em, 0), em_i(em, taps)};
    struct tap_range low = unit_taps(em, s->unit, AXIS_H, place->row, place->row);
    em_int last = em_addc(em, place->row, place->rows - 1);
    struct tap_range high = unit_taps(em, s->unit, AXIS_H, last, last);
    return (struct tap_range){em_min(em, low.begin, high.begin), em_max(em, low.end, high.end)};
}

static void emit_sum(struct em *em, const struct stencil *s, const struct tile *tile, const struct place *place,
                     em_ptr x)
{
    const struct conv *conv = &s->plan->conv;
    int64_t plane = conv->axis[AXIS_H].kernel * conv->axis[AXIS_W].kernel;
    struct tap_range depth = unit_taps(em, s->unit, AXIS_D, s->unit->depth, s->unit->depth);
    struct tap_range high = rows_of_taps(em, s, place);
    EM_FOR(em, ic, em_i(em, 0), em_i(em, conv->ic / conv->groups))
    {
        EM_FOR(em, td, depth.begin, depth.end)
        {
            em_int at =
                em_add(em, em_mulc(em, ic.at, s->source->channel), em_mulc(em, td.at, s->source->tap[AXIS_D]));
            em_int w = em_add(em, em_mulc(em, ic.at, conv->axis[AXIS_D].kernel), td.at);
            struct pass pass = {.place = place,
                                .count = (int)grid_taps_in_turn(conv),
                                .x = em_offset(em, x, at),
                                .w = em_offset(em, s->weights, em_mulc(em, w, plane))};
            struct tap_range rest = {emit_turns(em, s, tile, &pass, &high), high.end};
            pass.count = 1;
            emit_turns(em, s, tile, &pass, &rest);
        }
    }
}

static void emit_outputs(struct em *em, const struct stencil *s, const struct tile *tile,
                         const struct place *place, int lanes_of_last, em_mask *inside)
{
    const struct conv *conv = &s->plan->conv;
    em_int pixel = unit_pixel(em, s->unit, place->row, place->col);
    struct output_tile out = {.pixel = pixel,
                              .row_step = conv->dst.axis[AXIS_H],
                              .lane_step = conv->dst.axis[AXIS_W],
                              .channel = s->channel,
                              .lanes_of_last = lanes_of_last,
                              .inside = inside};
    epilogue_tile(em, s->epilogue, tile, &out);
}

/* What the last tile of a row stores is code of its own where no mask can tell. */
static void emit_cut_outputs(struct em *em, const struct stencil *s, const struct tile *tile,
                             const struct place *place)
{
    int64_t lanes = s->plan->lanes, width = s->plan->tile_vecs * lanes, cols = s->plan->conv.axis[AXIS_W].out;
    int64_t rest = cols % width, last = cols - rest;
    if (cols >= width)
        EM_IF(em, em_lt(em, place->col, em_i(em, last)))
    emit_outputs(em, s, tile, place, (int)lanes, NULL);
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, last - 1), place->col))
    emit_outputs(em, s, tile, place, (int)(rest - (s->plan->tile_vecs - 1) * lanes), NULL);
}

/* One sum for all tiles of a row; the last one stores what the row still has room for. */
static void emit_tile(struct em *em, const struct stencil *s, const struct place *place)
{
    const struct unit *unit = s->unit;
    const struct conv *conv = &s->plan->conv;
    int64_t lanes = s->plan->lanes;
    em_int down = em_mulc(em, em_sub(em, place->row, unit->row0), s->source->out[AXIS_H]);
    em_int right = em_sub(em, place->col, unit_tile_col(em, unit, unit->tile0));
    em_int at = em_add(em, down, em_mulc(em, right, s->source->out[AXIS_W]));
    int vecs = (int)s->plan->tile_vecs;
    bool splits = place->rows * vecs < ENOUGH_SUMS || grid_keeps_weights(s->plan);
    struct tile tile = tile_open(em, place->rows, vecs, splits ? (int)s->plan->unroll : 1);
    emit_sum(em, s, &tile, place, em_offset(em, s->source->base, at));
    em_mask inside[TILE_MAX];
    for (int v = 0; v < tile.vecs; v++)
        inside[v] = em_inside(em, em_addc(em, place->col, v * lanes), conv->axis[AXIS_W].out);
    if (grid_masks_columns(s->plan))
        emit_outputs(em, s, &tile, place, (int)lanes, inside);
    else
        emit_cut_outputs(em, s, &tile, place);
}

static void emit_row_of_tiles(struct em *em, const struct stencil *s, em_int row, int64_t rows)
{
    int64_t width = s->plan->tile_vecs * s->plan->lanes;
    EM_FOR(em, t, s->unit->tile0, s->unit->tile1)
    {
        struct place place = {row, em_mulc(em, t.at, width), (int)rows};
        emit_tile(em, s, &place);
    }
}

/* Tiles of rows begin .. end of the image, each with its row known, as far as the unit has them. */
static void emit_apart(struct em *em, const struct stencil *s, int64_t begin, int64_t end)
{
    int64_t size = s->plan->tile_rows, rows = s->plan->conv.axis[AXIS_H].out;
    for (int64_t i = begin; i < end; i++) {
        em_int row = em_i(em, i * size), behind = em_addc(em, row, 1);
        EM_IF(em, em_and(em, em_lt(em, s->unit->row0, behind), em_lt(em, row, s->unit->row1)))
        emit_row_of_tiles(em, s, row, min64(size, rows - i * size));
    }
}

static void emit_rows(struct em *em, const struct stencil *s)
{
    int64_t size = s->plan->tile_rows, count = ceil_div(s->plan->conv.axis[AXIS_H].out, size);
    struct edges edges = grid_row_edges(s->plan);
    em_int begin = em_div(em, s->unit->row0, em_i(em, size)), end = em_ceil_divc(em, s->unit->row1, size);
    emit_apart(em, s, 0, edges.first);
    EM_FOR(em, i, em_max(em, begin, em_i(em, edges.first)), em_min(em, end, em_i(em, count - edges.last)))
    emit_row_of_tiles(em, s, em_mulc(em, i.at, size), size);
    emit_apart(em, s, count - edges.last, count);
}

void stencil_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    const struct conv *conv = &plan->conv;
    const struct unit *unit = stage->unit;
    int64_t width = plan->tile_vecs * plan->lanes, taps = conv->ic / conv->groups;
    for (int a = 0; a < AXES; a++)
        taps *= conv->axis[a].kernel;
    struct stencil s = {.plan = plan, .unit = unit, .source = stage->source, .epilogue = stage->epilogue};
    s.masked = !plan->band && (conv_axis_padded(conv, AXIS_W) || conv->axis[AXIS_W].out % width);
    em_ptr weights = em_offset(em, stage->weights, unit_weights(em, unit));
    EM_FOR(em, i, unit->block0, unit->block1)
    {
        s.weights = em_offset(em, weights, em_mulc(em, i.at, taps));
        s.channel = em_add(em, em_mulc(em, unit->group, conv->oc / conv->groups), i.at);
        emit_rows(em, &s);
    }
}

void emit_stencil(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, stencil_unit);
}
