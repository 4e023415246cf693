/* dot: lanes are input channels, rows of the tile are output pixels, vectors across it are output channels.
 *
 *     sum[pixel][oc] = sum over (td, th, tw, s) of x[pixel*stride + tap][s*lanes ..] * w[oc][tap][s*lanes ..]
 *     y[pixel][oc]   = sum over the lanes of sum[pixel][oc]
 *
 * For few output channels over many input channels that lie side by side: lanes of output channels would stay
 * empty, and lanes of columns would have to be fetched from far apart. Both operands are vectors from memory; a
 * vector of x serves all channels of the tile and one of w all its pixels. At the end the sums of the tile are
 * summed across their lanes together (em_sum_lanes), so that the outputs leave as vectors, too.
 *
 * Weights are packed [phase][group][oc block][ic block][td][th][tw][ic / lanes][oc in block][ic in vector], the
 * last vector of a tap filled up with zeros; a block is what lies together in the input, all channels or a
 * block of its layout. Where vectors fill the taps of a row without a rest, and these lie side by side in the
 * input, a row of the kernel is one loop. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

#include <assert.h>

/* Output channels that are computed together: a whole block, or the rest behind them. */
struct block {
    int channels;
    em_int weights; /* elements from the start of the packed weights */
    em_int channel; /* of the output */
};

struct dot {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr weights;
    int64_t channels; /* input channels of a group that lie together and exist */
    int64_t steps;    /* vectors that hold all that lie together */
    int64_t step;     /* elements of weights for one of these */
    int64_t edge;     /* first column of a tile some of whose taps lie in the padding; -1: none do */
};

/* Steps of the sum in one turn of the innermost loop, which sets of accumulators share. */
static int turn_steps(const struct dot *d, int rows, int vecs)
{
    return d->plan->shares_taps ? (int)d->plan->unroll : tile_unroll(d->plan, rows, vecs);
}

/* The tap under which row `row` of a tile has column `col`, counted from the tile's first; -1: none of `taps`.
 */
static int tap_over(const struct phase_axis *p, int64_t col, int row, int taps)
{
    int64_t left = col - row * p->in_step;
    return left >= 0 && left % p->off_step == 0 && left / p->off_step < taps ? (int)(left / p->off_step) : -1;
}

/* The next column behind `col` that some row of the tile has under a tap; -1: there is none. */
static int64_t next_col(const struct phase_axis *p, int64_t col, int rows, int taps)
{
    int64_t next = -1;
    for (int i = 0; i < rows * taps; i++) {
        int64_t at = i / taps * p->in_step + i % taps * p->off_step;
        if (at > col && (next < 0 || at < next))
            next = at;
    }
    return next;
}

/* Whether tap `tap` of row `row` lies in the padding, which is known for a tile at the edge. */
static bool lies_outside(const struct dot *d, int row, int tap)
{
    const struct conv *conv = &d->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    const struct phase_axis *p = &phase.axis[AXIS_W];
    int64_t at = (d->edge + row) * p->in_step + p->off0 + tap * p->off_step;
    return d->edge >= 0 && (at < 0 || at >= conv->axis[AXIS_W].in);
}

/* `taps` neighbouring taps of one vector, of which `lanes` channels exist; the first one goes to set number
 * `set`. A pixel is loaded once for all taps that it is under, whose weights are in registers meanwhile. */
static void emit_step(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w, int taps,
                      int set, int lanes)
{
    struct phase phase = conv_phase(&d->plan->conv, 0);
    const struct phase_axis *p = &phase.axis[AXIS_W];
    em_vec weights[TILE_MAX] = {0};
    for (int i = 0; i < taps * tile->vecs; i++) {
        int64_t at = i / tile->vecs * d->steps * d->step + i % tile->vecs * d->plan->lanes;
        weights[i] = em_load_aligned(em, em_at(em, w, at));
    }
    for (int64_t col = 0; col >= 0; col = next_col(p, col, tile->rows, taps)) {
        em_vec pixel = {0};
        for (int r = 0; r < tile->rows; r++) {
            int t = tap_over(p, col, r, taps);
            if (t < 0 || lies_outside(d, r, t))
                continue;
            if (!pixel.v)
                pixel =
                    em_load_n(em, em_at(em, x, r * d->source->out[AXIS_W] + t * d->source->tap[AXIS_W]), lanes);
            for (int c = 0; c < tile->vecs; c++)
                tile_add(em, tile, set + t, r, c, pixel, weights[t * tile->vecs + c]);
        }
    }
}

/* `count` whole vectors of a tap, one behind the other. */
static void emit_run(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w,
                     em_int count)
{
    int lanes = (int)d->plan->lanes, unroll = turn_steps(d, tile->rows, tile->vecs);
    em_int whole = em_sub(em, count, em_rem(em, count, em_i(em, unroll)));
    EM_STREAM(em, s, em_i(em, 0), whole, unroll)
    {
        em_ptr x_at = em_walk(&s, x, unroll * lanes), w_at = em_walk(&s, w, unroll * d->step);
        for (int k = 0; k < unroll; k++)
            emit_step(em, d, tile, em_at(em, x_at, k * lanes), em_at(em, w_at, k * d->step), 1, k, lanes);
    }
    em_ptr x_rest = em_offset(em, x, em_mulc(em, whole, lanes));
    em_ptr w_rest = em_offset(em, w, em_mulc(em, whole, d->step));
    int64_t known;
    if (em_known(count, &known)) {
        for (int k = 0; k < known % unroll; k++)
            emit_step(em, d, tile, em_at(em, x_rest, k * lanes), em_at(em, w_rest, k * d->step), 1, k, lanes);
        return;
    }
    EM_STREAM(em, s, whole, count, 1)
    emit_step(em, d, tile, em_walk(&s, x_rest, lanes), em_walk(&s, w_rest, d->step), 1, 0, lanes);
}

/* All vectors of one tap after the other, or of all taps where these are one run. */
static void emit_taps_in_turn(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w,
                              struct tap_range cols)
{
    int64_t lanes = d->plan->lanes, whole = d->channels / lanes, rest = d->channels % lanes;
    if (rest == 0 && d->source->tap[AXIS_W] == d->channels) {
        em_int first = em_mulc(em, cols.begin, whole);
        em_int count = em_mulc(em, em_sub(em, cols.end, cols.begin), whole);
        emit_run(em, d, tile, em_offset(em, x, em_mulc(em, first, lanes)),
                 em_offset(em, w, em_mulc(em, first, d->step)), count);
        return;
    }
    EM_FOR(em, tap, cols.begin, cols.end)
    {
        em_ptr x_tap = em_offset(em, x, em_mulc(em, tap.at, d->source->tap[AXIS_W]));
        em_ptr w_tap = em_offset(em, w, em_mulc(em, tap.at, d->steps * d->step));
        emit_run(em, d, tile, x_tap, w_tap, em_i(em, whole));
        if (rest)
            emit_step(em, d, tile, em_at(em, x_tap, whole * lanes), em_at(em, w_tap, whole * d->step), 1, 0,
                      (int)rest);
    }
}

/* `taps` taps side by side, for one vector after the other. */
static void emit_shared(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w,
                        int taps)
{
    int64_t lanes = d->plan->lanes, whole = d->channels / lanes, rest = d->channels % lanes;
    EM_STREAM(em, s, em_i(em, 0), em_i(em, whole), 1)
    emit_step(em, d, tile, em_walk(&s, x, lanes), em_walk(&s, w, d->step), taps, 0, (int)lanes);
    if (rest)
        emit_step(em, d, tile, em_at(em, x, whole * lanes), em_at(em, w, whole * d->step), taps, 0, (int)rest);
}

/* The taps of one row of the kernel, plan->unroll of them sharing their pixels. */
static void emit_taps_shared(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w,
                             int64_t taps)
{
    int64_t some = d->plan->unroll, whole = taps / some;
    int64_t x_step = some * d->source->tap[AXIS_W], w_step = some * d->steps * d->step;
    EM_FOR(em, i, em_i(em, 0), em_i(em, whole))
    emit_shared(em, d, tile, em_offset(em, x, em_mulc(em, i.at, x_step)),
                em_offset(em, w, em_mulc(em, i.at, w_step)), (int)some);
    if (taps % some)
        emit_shared(em, d, tile, em_at(em, x, whole * x_step), em_at(em, w, whole * w_step),
                    (int)(taps % some));
}

static void emit_kernel_row(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr w,
                            struct tap_range cols)
{
    int64_t taps;
    if (d->plan->shares_taps && em_known(cols.end, &taps))
        emit_taps_shared(em, d, tile, x, w, taps);
    else
        emit_taps_in_turn(em, d, tile, x, w, cols);
}

/* The sum over the channels that lie together. */
static void emit_channels(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_ptr base,
                          struct tap_range taps[AXES])
{
    em_int row_size = em_mulc(em, d->unit->axis[AXIS_W].taps, d->steps * d->step);
    EM_FOR(em, td, taps[AXIS_D].begin, taps[AXIS_D].end)
    EM_FOR(em, th, taps[AXIS_H].begin, taps[AXIS_H].end)
    {
        em_int row = em_add(em, em_mul(em, td.at, d->unit->axis[AXIS_H].taps), th.at);
        em_int at =
            em_add(em, em_mulc(em, td.at, d->source->tap[AXIS_D]), em_mulc(em, th.at, d->source->tap[AXIS_H]));
        emit_kernel_row(em, d, tile, em_offset(em, x, at), em_offset(em, base, em_mul(em, row, row_size)),
                        taps[AXIS_W]);
    }
}

/* Elements of weights for all taps of the channels that lie together. */
static em_int weights_size(struct em *em, const struct dot *d)
{
    em_int plane = em_mul(em, d->unit->axis[AXIS_H].taps, d->unit->axis[AXIS_W].taps);
    return em_mulc(em, em_mul(em, d->unit->axis[AXIS_D].taps, plane), d->steps * d->step);
}

/* The whole sum for the tile whose first pixel, tap 0, is at x: block by block, then the rest behind them. */
static void emit_sum(struct em *em, const struct dot *d, const struct tile *tile, em_ptr x, em_int weights,
                     struct tap_range taps[AXES])
{
    int64_t inputs = d->plan->conv.ic / d->plan->conv.groups, whole = inputs / d->channels;
    em_ptr base = em_offset(em, d->weights, weights);
    em_int size = weights_size(em, d);
    EM_FOR(em, b, em_i(em, 0), em_i(em, whole))
    {
        em_int channel = source_channel(em, d->source, em_mulc(em, b.at, d->channels));
        emit_channels(em, d, tile, em_offset(em, x, channel), em_offset(em, base, em_mul(em, b.at, size)),
                      taps);
    }
    struct dot last = *d;
    last.channels = inputs % d->channels;
    em_int channel = source_channel(em, d->source, em_i(em, whole * d->channels));
    if (last.channels)
        emit_channels(em, &last, tile, em_offset(em, x, channel), em_offset(em, base, em_mulc(em, size, whole)),
                      taps);
}

/* How a tile's sums become vectors of outputs: so many rows of so many lanes, and which sum (pixel by pixel) a
 * step to the next row and the next lane leads to. */
struct order {
    int rows, lanes, row_sums, lane_sums;
};

/* Fill in where the outputs go, and say how they have to be ordered: as they lie in the output. */
static struct order order_outputs(const struct dot *d, const struct tile *tile, struct output_tile *out)
{
    const struct strides *dst = &d->plan->conv.dst;
    struct phase phase = conv_phase(&d->plan->conv, 0);
    int64_t pixel_step = phase.axis[AXIS_W].out_step * dst->axis[AXIS_W];
    int pixels = tile->rows, channels = tile->vecs;
    if (dst->c == 1 && !dst->block && pixel_step == channels && channels <= d->plan->lanes) {
        out->lane_step = out->lane_channel = 1;
        out->lane_cycle = channels;
        return (struct order){1, pixels * channels, 0, 1};
    }
    if (dst->c == 1) {
        out->row_step = pixel_step;
        out->lane_step = out->lane_channel = 1;
        return (struct order){pixels, channels, channels, 1};
    }
    out->row_step = dst->c;
    out->row_channel = 1;
    out->lane_step = pixel_step;
    return (struct order){channels, pixels, 1, channels};
}

static void emit_outputs(struct em *em, const struct dot *d, const struct tile *tile, const struct block *block,
                         em_int pixel)
{
    struct output_tile out = {.channel = block->channel};
    struct order order = order_outputs(d, tile, &out);
    int lanes = (int)d->plan->lanes, vecs = (int)ceil_div(order.lanes, lanes);
    em_vec sums[TILE_MAX] = {0}, outputs[TILE_MAX] = {0};
    for (int i = 0; i < order.rows * vecs; i++) {
        int row = i / vecs, first = i % vecs * lanes, count = (int)min64(lanes, order.lanes - first);
        for (int k = 0; k < count; k++) {
            int sum = row * order.row_sums + (first + k) * order.lane_sums;
            sums[k] = tile_sum(em, tile, sum / tile->vecs, sum % tile->vecs);
        }
        outputs[i] = em_sum_lanes(em, sums, count);
    }
    out.pixel = pixel;
    out.multiple = grid_channel_multiple(d->plan, d->plan->tile_vecs);
    out.lanes_of_last = order.lanes - (vecs - 1) * lanes;
    struct tile finished = tile_of(em, order.rows, vecs, outputs);
    epilogue_tile(em, d->epilogue, &finished, &out);
}

/* The tile of `width` columns from `col` on. Without a band, no tap lies outside but those known at an edge. */
static void emit_tile(struct em *em, const struct dot *d, const struct block *block, em_int row, em_int col,
                      int64_t width)
{
    const struct unit *unit = d->unit;
    int rows = (int)width, steps = turn_steps(d, rows, block->channels);
    struct tap_range taps[AXES];
    taps[AXIS_D] = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    taps[AXIS_H] = unit_taps(em, unit, AXIS_H, row, row);
    taps[AXIS_W] = d->plan->band ? unit_taps(em, unit, AXIS_W, col, em_addc(em, col, width - 1))
                                 : (struct tap_range){em_i(em, 0), unit->axis[AXIS_W].taps};
    em_int down = em_mulc(em, em_sub(em, row, unit->row0), d->source->out[AXIS_H]);
    em_int right = em_sub(em, col, unit_tile_col(em, unit, unit->tile0));
    em_int at = em_add(em, down, em_mulc(em, right, d->source->out[AXIS_W]));
    struct tile tile = tile_open(em, rows, block->channels, steps);
    emit_sum(em, d, &tile, em_offset(em, d->source->base, at), block->weights, taps);
    emit_outputs(em, d, &tile, block, unit_pixel(em, unit, row, col));
}

/* Tiles begin .. end, which are at the edge of the row, those of them that the unit has. */
static void emit_edge(struct em *em, const struct dot *d, const struct block *block, em_int row, int64_t begin,
                      int64_t end)
{
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    for (int64_t i = begin; i < end; i++) {
        struct dot at_edge = *d;
        em_int col = unit_tile_col(em, d->unit, em_i(em, i));
        bool known = em_known(col, &at_edge.edge);
        assert(known);
        (void)known;
        em_cond begun = em_lt(em, d->unit->tile0, em_i(em, i + 1)),
                ends = em_lt(em, em_i(em, i), d->unit->tile1);
        EM_IF(em, em_and(em, begun, ends))
        emit_tile(em, &at_edge, block, row, col, i < tiles.big ? tiles.size : tiles.size - 1);
    }
}

/* One row of outputs: the tiles at its left edge, those of each width between the edges, those at its right. */
static void emit_row(struct em *em, const struct dot *d, const struct block *block, em_int row)
{
    const struct unit *unit = d->unit;
    struct edges edges = grid_edges(d->plan);
    struct phase phase = conv_phase(&d->plan->conv, 0);
    struct tiles tiles = grid_tiles(d->plan, &phase);
    struct tile_widths widths = plan_tile_widths(d->plan);
    int64_t count = tiles.big + tiles.small;
    em_int begin = em_i(em, edges.first), end = edges.last ? em_i(em, count - edges.last) : unit->tile1;
    emit_edge(em, d, block, row, 0, edges.first);
    for (int i = 0; i < widths.count; i++) {
        struct tile_range range = unit_tiles_of_width(em, unit, widths.width[i]);
        EM_FOR(em, t, em_max(em, range.begin, begin), em_min(em, range.end, end))
        emit_tile(em, d, block, row, unit_tile_col(em, unit, t.at), widths.width[i]);
    }
    emit_edge(em, d, block, row, count - edges.last, count);
}

static void emit_block(struct em *em, const struct dot *d, int channels, em_int number)
{
    const struct unit *unit = d->unit;
    const struct conv *conv = &d->plan->conv;
    em_int size = em_mulc(em, weights_size(em, d), ceil_div(conv->ic / conv->groups, d->channels));
    struct block block = {.channels = channels};
    block.weights = em_add(em, unit_weights(em, unit), em_mul(em, number, size));
    block.channel =
        em_add(em, em_mulc(em, unit->group, conv->oc / conv->groups), em_mulc(em, number, d->plan->tile_vecs));
    EM_FOR(em, row, unit->row0, unit->row1)
    emit_row(em, d, &block, row.at);
}

/* The unit's blocks: the whole ones in a loop, then the rest if the unit has it. */
static void dot_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    const struct unit *unit = stage->unit;
    int64_t channels = plan->conv.oc / plan->conv.groups, together = grid_channels_together(plan);
    int64_t whole = channels / plan->tile_vecs, rest = channels % plan->tile_vecs;
    struct dot dot = {.plan = plan,
                      .unit = unit,
                      .source = stage->source,
                      .epilogue = stage->epilogue,
                      .weights = stage->weights,
                      .channels = together,
                      .steps = ceil_div(together, plan->lanes),
                      .step = plan->tile_vecs * plan->lanes,
                      .edge = -1};
    EM_FOR(em, i, unit->block0, em_min(em, unit->block1, em_i(em, whole)))
    emit_block(em, &dot, (int)plan->tile_vecs, i.at);
    if (rest)
        EM_IF(em, em_lt(em, em_i(em, whole), unit->block1))
    emit_block(em, &dot, (int)rest, em_i(em, whole));
}

void emit_dot(struct em *em, const struct plan *plan)
{
    emit_units(em, plan, dot_unit);
}
