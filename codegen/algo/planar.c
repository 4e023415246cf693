/* planar: lanes are output columns, rows of the tile are output channels.
 *
 *     y[oc][col] = sum over (ic, td, th, tw) of x[ic][col*stride + tap] * w[oc][ic][tap]
 *
 * One step of the reduction loads tile_vecs vectors of input, broadcasts tile_rows weights and multiplies each
 * with each: the natural order where a row of one channel is contiguous (NCHW), and the only one that fills
 * lanes where a group has few output channels. Weights are packed
 * [phase][group][oc block][ic][td][th][tw][oc in block]. With a stride along W the band holds the columns of
 * each residue together, so that lanes are contiguous there too.
 *
 * A tile of one or two rows has a load for each product or two, and a vector that is as long as a line crosses
 * lines at all taps but one. There every other tap of a turn comes from the loads of the tap in front of it, by
 * sliding each vector over its neighbour: loads and shuffles then take their time side by side (Zen 4: 15% less
 * time; fewer loads and more shuffles gain nothing). */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

struct planar {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr packed;
    int rows; /* output channels of this block */
    em_int weights, channel;
};

/* A tile's columns: whole vectors, or the rest of a row. */
struct columns {
    int vecs, lanes_of_last;
    em_int first;
};

/* More rows share a load enough. */
enum { MOST_ROWS_TO_SLIDE = 2 };

/* The input vector behind the last whole one may lie outside the tensor where it is read in place. */
static em_vec load_columns(struct em *em, const struct planar *p, const struct columns *columns, em_ptr x,
                           int v)
{
    em_ptr from = em_at(em, x, v * p->plan->lanes);
    bool cut = !p->plan->band && v == columns->vecs - 1;
    return cut ? em_load_n(em, from, columns->lanes_of_last) : em_load(em, from);
}

/* Whether tap `step` of a turn may be slid out of the loads of the tap in front of it. */
static bool slides(const struct planar *p, int step)
{
    const struct plan *plan = p->plan;
    bool crosses = plan->lanes * dtype_bytes((cj_dtype)plan->conv.dtype) == L1_LINE_BYTES;
    bool neighbours = p->source->split == 1 && p->source->tap[AXIS_W] == 1;
    return step % 2 && plan->band && crosses && neighbours && p->rows <= MOST_ROWS_TO_SLIDE;
}

static em_vec load_pixels(struct em *em, const struct planar *p, const struct columns *columns, em_ptr x, int v,
                          int step)
{
    if (!slides(p, step))
        return load_columns(em, p, columns, x, v);
    em_ptr before = em_at(em, x, v * p->plan->lanes - 1);
    return em_slide(em, em_load(em, before), em_load(em, em_at(em, before, p->plan->lanes)), 1);
}

static void emit_step(struct em *em, const struct planar *p, const struct tile *tile,
                      const struct columns *columns, em_ptr x, em_ptr w, int step)
{
    em_vec pixels[TILE_MAX];
    for (int v = 0; v < tile->vecs; v++)
        pixels[v] = load_pixels(em, p, columns, x, v, step);
    for (int r = 0; r < tile->rows; r++) {
        em_vec weight = em_broadcast(em, em_at(em, w, r));
        for (int v = 0; v < tile->vecs; v++)
            tile_add(em, tile, step, r, v, weight, pixels[v]);
    }
}

static void emit_taps(struct em *em, const struct planar *p, const struct tile *tile,
                      const struct columns *columns, em_ptr x, em_ptr w, em_int first, int count)
{
    for (int k = 0; k < count; k++) {
        em_int tap = em_addc(em, first, k);
        emit_step(em, p, tile, columns, em_offset(em, x, source_col_tap(em, p->source, tap)),
                  em_offset(em, w, em_mulc(em, tap, p->plan->tile_rows)), k);
    }
}

/* The taps of one row of the kernel: unrolled now in turns of plan->unroll. */
static void emit_kernel_row(struct em *em, const struct planar *p, const struct tile *tile,
                            const struct columns *columns, em_ptr x, em_ptr w)
{
    int unroll = (int)p->plan->unroll;
    int64_t known;
    em_int taps = p->unit->axis[AXIS_W].taps, whole = em_sub(em, taps, em_rem(em, taps, em_i(em, unroll)));
    EM_STREAM(em, t, em_i(em, 0), whole, unroll)
    emit_taps(em, p, tile, columns, x, w, t.at, unroll);
    if (em_known(taps, &known)) {
        emit_taps(em, p, tile, columns, x, w, whole, (int)(known % unroll));
        return;
    }
    EM_FOR(em, t, whole, taps)
    emit_taps(em, p, tile, columns, x, w, t.at, 1);
}

static void emit_sum(struct em *em, const struct planar *p, const struct tile *tile,
                     const struct columns *columns, em_ptr x, const struct tap_range taps[AXIS_W])
{
    const struct unit *unit = p->unit;
    int64_t block = p->plan->tile_rows;
    em_int row_size = em_mulc(em, unit->axis[AXIS_W].taps, block);
    em_int plane_size = em_mul(em, unit->axis[AXIS_H].taps, row_size);
    em_int channel_size = em_mul(em, unit->axis[AXIS_D].taps, plane_size);
    em_ptr weights = em_offset(em, p->packed, p->weights);
    EM_FOR(em, ic, em_i(em, 0), em_i(em, p->plan->conv.ic / p->plan->conv.groups))
    {
        EM_FOR(em, td, taps[AXIS_D].begin, taps[AXIS_D].end)
        {
            EM_FOR(em, th, taps[AXIS_H].begin, taps[AXIS_H].end)
            {
                em_int at = em_add(em, em_mulc(em, td.at, p->source->tap[AXIS_D]),
                                   em_mulc(em, th.at, p->source->tap[AXIS_H]));
                at = em_add(em, at, em_mulc(em, ic.at, p->source->channel));
                em_int w = em_add(em, em_mul(em, ic.at, channel_size), em_mul(em, td.at, plane_size));
                w = em_add(em, w, em_mul(em, th.at, row_size));
                emit_kernel_row(em, p, tile, columns, em_offset(em, x, at), em_offset(em, weights, w));
            }
        }
    }
}

static void emit_outputs(struct em *em, const struct planar *p, const struct tile *tile,
                         const struct columns *columns, em_int pixel)
{
    const struct conv *conv = &p->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct output_tile out = {.pixel = pixel,
                              .row_step = conv->dst.c,
                              .lane_step = phase.axis[AXIS_W].out_step * conv->dst.axis[AXIS_W],
                              .channel = p->channel,
                              .multiple = grid_channel_multiple(p->plan, p->plan->tile_rows),
                              .row_channel = 1,
                              .lanes_of_last = columns->lanes_of_last};
    epilogue_tile(em, p->epilogue, tile, &out);
}

static void emit_tile(struct em *em, const struct planar *p, em_int row, const struct columns *columns)
{
    const struct unit *unit = p->unit;
    struct tap_range taps[AXIS_W];
    taps[AXIS_D] = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    taps[AXIS_H] = unit_taps(em, unit, AXIS_H, row, row);
    em_int down = em_mulc(em, em_sub(em, row, unit->row0), p->source->out[AXIS_H]);
    em_int right = em_sub(em, columns->first, unit_tile_col(em, unit, unit->tile0));
    em_int at = em_add(em, down, em_mulc(em, right, p->source->out[AXIS_W]));
    struct tile tile = tile_open(em, p->rows, columns->vecs, (int)p->plan->unroll);
    emit_sum(em, p, &tile, columns, em_offset(em, p->source->base, at), taps);
    emit_outputs(em, p, &tile, columns, unit_pixel(em, unit, row, columns->first));
}

/* The lengths, in columns, of what is left of a row behind its whole tiles, over all phases. */
static struct tile_widths rests(const struct plan *plan)
{
    struct tile_widths widths = {0};
    int64_t phases = conv_axis_phases(&plan->conv, AXIS_W), tile = plan->tile_vecs * plan->lanes;
    for (int64_t i = 0; i < phases; i++) {
        struct phase phase = conv_phase(&plan->conv, i);
        widths_add(&widths, phase.axis[AXIS_W].outs % tile);
    }
    return widths;
}

static void emit_rest(struct em *em, const struct planar *p, em_int row, em_int tile, int64_t rest)
{
    const struct unit *unit = p->unit;
    int64_t lanes = p->plan->lanes, size = p->plan->tile_vecs * lanes;
    em_int first = em_mulc(em, tile, size);
    em_int left = em_sub(em, unit->axis[AXIS_W].outs, first);
    em_cond fits = em_and(em, em_lt(em, left, em_i(em, rest + 1)), em_lt(em, em_i(em, rest - 1), left));
    EM_IF(em, em_and(em, fits, em_lt(em, tile, unit->tile1)))
    {
        int vecs = (int)ceil_div(rest, lanes);
        struct columns columns = {vecs, (int)(rest - (vecs - 1) * lanes), first};
        emit_tile(em, p, row, &columns);
    }
}

static void emit_rows(struct em *em, const struct planar *p)
{
    const struct unit *unit = p->unit;
    int64_t size = p->plan->tile_vecs * p->plan->lanes;
    struct tile_widths widths = rests(p->plan);
    EM_FOR(em, row, unit->row0, unit->row1)
    {
        em_int whole = em_min(em, unit->tile1, em_div(em, unit->axis[AXIS_W].outs, em_i(em, size)));
        EM_FOR(em, t, unit->tile0, whole)
        {
            struct columns columns = {(int)p->plan->tile_vecs, (int)p->plan->lanes, em_mulc(em, t.at, size)};
            emit_tile(em, p, row.at, &columns);
        }
        for (int i = 0; i < widths.count; i++)
            emit_rest(em, p, row.at, em_max(em, whole, unit->tile0), widths.width[i]);
    }
}

static void emit_block(struct em *em, const struct planar *p, em_int number, int rows)
{
    const struct conv *conv = &p->plan->conv;
    const struct unit *unit = p->unit;
    struct planar block = *p;
    em_int taps =
        em_mul(em, em_mul(em, unit->axis[AXIS_D].taps, unit->axis[AXIS_H].taps), unit->axis[AXIS_W].taps);
    em_int size = em_mulc(em, taps, conv->ic / conv->groups * p->plan->tile_rows);
    block.rows = rows;
    block.weights = em_add(em, unit_weights(em, unit), em_mul(em, number, size));
    block.channel =
        em_add(em, em_mulc(em, unit->group, conv->oc / conv->groups), em_mulc(em, number, p->plan->tile_rows));
    emit_rows(em, &block);
}

void planar_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    const struct unit *unit = stage->unit;
    int64_t channels = plan->conv.oc / plan->conv.groups;
    int64_t whole = channels / plan->tile_rows, rest = channels % plan->tile_rows;
    struct planar planar = {.plan = plan,
                            .unit = unit,
                            .source = stage->source,
                            .epilogue = stage->epilogue,
                            .packed = stage->weights};
    EM_FOR(em, i, unit->block0, em_min(em, unit->block1, em_i(em, whole)))
    emit_block(em, &planar, i.at, (int)plan->tile_rows);
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), unit->block1))
    emit_block(em, &planar, em_i(em, whole), (int)rest);
}

void emit_planar(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, planar_unit);
}
