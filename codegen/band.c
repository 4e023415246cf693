/* A band is the block of input that one work unit reads, copied into scratch with its padding in place and in
 * the order that the micro-kernel wants, so that the micro-kernel never tests a bound.
 *
 * Rows and planes that lie wholly in zero padding are not written where they are left out of the sum; but for
 * plans whose tiles reach over the edge of the output all rows and columns that no output needs are zeros. */
#include "band.h"

#include "../src/arith.h"
#include "channels.h"

struct fill {
    const struct unit *unit;
    const struct conv *conv;
    struct band band;
    em_int first, channels; /* to copy, the first one of them in the image */
};

em_int pad_map(struct em *em, int64_t mode, em_int at, int64_t size)
{
    em_int zero = em_i(em, 0), last = em_i(em, size - 1);
    switch ((cj_pad_mode)mode) {
    case CJ_PAD_ZEROS:
        return at;
    case CJ_PAD_REFLECT:
        at = em_max(em, at, em_sub(em, zero, at));
        return em_min(em, at, em_sub(em, em_i(em, 2 * (size - 1)), at));
    case CJ_PAD_REPLICATE:
        return em_clamp(em, at, zero, last);
    case CJ_PAD_CIRCULAR:
        at = em_choose(em, em_lt(em, at, zero), em_addc(em, at, size), at);
        return em_choose(em, em_lt(em, last, at), em_addc(em, at, -size), at);
    }
    return at;
}

/* Elements from column 0 of a band's row to column `col`. */
static em_int band_col(struct em *em, const struct band *band, em_int col)
{
    if (band->split == 1)
        return em_mulc(em, col, band->axis[AXIS_W]);
    em_int split = em_i(em, band->split);
    return em_add(em, em_mulc(em, em_rem(em, col, split), band->split_stride), em_div(em, col, split));
}

/* One row: where it goes, where it comes from (column 0 of the input), the coordinate of its first column. */
struct row {
    em_ptr to, from;
    em_int first;
};

static void zero_columns(struct em *em, const struct fill *fill, const struct row *row, em_int begin,
                         em_int end)
{
    EM_FOR(em, col, begin, end)
    {
        struct em_run to = {em_offset(em, row->to, band_col(em, &fill->band, col.at)), fill->band.channel};
        em_zero_run(em, to, fill->channels);
    }
}

static void copy_column(struct em *em, const struct fill *fill, const struct row *row, em_int col,
                        em_int source)
{
    em_ptr from = em_offset(em, row->from, em_mulc(em, source, fill->conv->src.axis[AXIS_W]));
    struct em_run to = {em_offset(em, row->to, band_col(em, &fill->band, col)), fill->band.channel};
    em_copy_run(em, to, (struct em_run){from, fill->conv->src.c}, fill->channels);
}

static void pad_columns(struct em *em, const struct fill *fill, const struct row *row, em_int begin, em_int end)
{
    if (fill->conv->pad_mode == CJ_PAD_ZEROS) {
        zero_columns(em, fill, row, begin, end);
        return;
    }
    EM_FOR(em, col, begin, end)
    {
        em_int at = em_add(em, row->first, col.at);
        copy_column(em, fill, row, col.at, pad_map(em, fill->conv->pad_mode, at, fill->conv->axis[AXIS_W].in));
    }
}

/* The columns of [begin, end) that lie together in the band: every `split`-th, from `start`. */
struct part {
    em_int start, count;
    em_ptr to, from;   /* of channel 0 */
    int64_t from_step; /* elements from column to column; in the band it is axis[AXIS_W] */
};

static struct part open_part(struct em *em, const struct fill *fill, const struct row *row, em_int number,
                             const em_int range[2])
{
    const struct band *band = &fill->band;
    em_int split = em_i(em, band->split), begin = range[0], end = range[1];
    em_int ahead = em_addc(em, em_sub(em, number, em_rem(em, begin, split)), band->split);
    struct part part = {.start = em_add(em, begin, em_rem(em, ahead, split)),
                        .from_step = fill->conv->src.axis[AXIS_W] * band->split};
    part.count = em_max(em, em_ceil_divc(em, em_sub(em, end, part.start), band->split), em_i(em, 0));
    em_int source = em_mulc(em, em_add(em, row->first, part.start), fill->conv->src.axis[AXIS_W]);
    part.from = em_offset(em, row->from, source);
    part.to = em_offset(em, row->to, band_col(em, band, part.start));
    return part;
}

/* Channels and columns change places where one side has its channels side by side and the other its columns. */
static void copy_part(struct em *em, const struct fill *fill, const struct part *part)
{
    const struct band *band = &fill->band;
    int64_t src_c = fill->conv->src.c;
    if (band->channel == 1 && part->from_step == 1) {
        em_exchange(em, (struct em_block){part->to, band->axis[AXIS_W]}, (struct em_block){part->from, src_c},
                    fill->channels, part->count);
        return;
    }
    if (src_c == 1 && band->axis[AXIS_W] == 1) {
        em_exchange(em, (struct em_block){part->to, band->channel},
                    (struct em_block){part->from, part->from_step}, part->count, fill->channels);
        return;
    }
    EM_FOR(em, c, em_i(em, 0), fill->channels)
    {
        struct em_run to = {em_offset(em, part->to, em_mulc(em, c.at, band->channel)), band->axis[AXIS_W]};
        struct em_run from = {em_offset(em, part->from, em_mulc(em, c.at, src_c)), part->from_step};
        em_copy_run(em, to, from, part->count);
    }
}

static void copy_columns(struct em *em, const struct fill *fill, const struct row *row, em_int begin,
                         em_int end)
{
    const struct strides *src = &fill->conv->src;
    const struct band *band = &fill->band;
    int64_t channels;
    bool whole = em_known(fill->channels, &channels) && channels == band->axis[AXIS_W];
    if (band->channel == 1 && src->c == 1 && whole && src->axis[AXIS_W] == channels) {
        em_ptr from = em_offset(em, row->from, em_mulc(em, em_add(em, row->first, begin), channels));
        em_ptr to = em_offset(em, row->to, em_mulc(em, begin, channels));
        em_int count = em_mulc(em, em_sub(em, end, begin), channels);
        em_copy_run(em, (struct em_run){to, 1}, (struct em_run){from, 1}, count);
    } else if (band->channel == 1 && src->c == 1) {
        EM_FOR(em, col, begin, end)
        copy_column(em, fill, row, col.at, em_add(em, row->first, col.at));
    } else {
        EM_FOR(em, number, em_i(em, 0), em_i(em, band->split))
        {
            struct part part = open_part(em, fill, row, number.at, (em_int[]){begin, end});
            copy_part(em, fill, &part);
        }
    }
}

/* Vectors at the ends of a row, which are emitted one by one, are few. */
enum { MOST_END_VECTORS = 8 };

/* Whether the row's columns lie side by side on both sides, and where they begin is known: true of whole rows.
 */
static bool open_padded(const struct fill *fill, const struct row *row, em_int count, struct em_padded *padded)
{
    const struct band *band = &fill->band;
    const struct axis *axis = &fill->conv->axis[AXIS_W];
    *padded = (struct em_padded){
        .from = row->from, .size = axis->in, .split = band->split, .part = band->split_stride};
    int64_t ends = max64(axis->pad_lo, 0) + max64(axis->pad_hi, 0);
    return grid_lanes_are_columns(fill->unit->plan) && fill->conv->src.axis[AXIS_W] == 1 &&
           fill->conv->pad_mode == CJ_PAD_ZEROS && band->split <= EM_PARTS &&
           ends <= MOST_END_VECTORS * fill->unit->plan->lanes && em_known(row->first, &padded->first) &&
           em_known(count, &padded->count);
}

static void fill_row(struct em *em, const struct fill *fill, const struct row *row, em_int count)
{
    struct em_padded padded;
    if (open_padded(fill, row, count, &padded)) {
        EM_FOR(em, c, em_i(em, 0), fill->channels)
        {
            struct em_padded channel = padded;
            channel.from = em_offset(em, padded.from, em_mulc(em, c.at, fill->conv->src.c));
            em_copy_padded(em, em_offset(em, row->to, em_mulc(em, c.at, fill->band.channel)), &channel);
        }
        return;
    }
    em_int zero = em_i(em, 0);
    em_int left = em_clamp(em, em_sub(em, zero, row->first), zero, count);
    em_int inside = em_sub(em, em_i(em, fill->conv->axis[AXIS_W].in), row->first);
    em_int right = em_clamp(em, inside, left, count);
    pad_columns(em, fill, row, zero, left);
    copy_columns(em, fill, row, left, right);
    pad_columns(em, fill, row, right, count);
}

/* Channels begin .. begin + count of those to copy, which lie in one block. */
static void fill_block(struct em *em, const struct fill *fill, const struct row *row, em_int columns,
                       em_int begin, em_int count)
{
    const struct strides *src = &fill->conv->src;
    struct fill block = *fill;
    struct row part = *row;
    em_int further = em_sub(em, channel_offset(em, src, em_add(em, fill->first, begin)),
                            channel_offset(em, src, fill->first));
    block.channels = count;
    part.from = em_offset(em, row->from, further);
    part.to = em_offset(em, row->to, em_mulc(em, begin, fill->band.channel));
    fill_row(em, &block, &part, columns);
}

/* Where the channels begin with a block, whole blocks are copied as so many channels, then the rest. */
static void fill_whole_blocks(struct em *em, const struct fill *fill, const struct row *row, em_int columns)
{
    int64_t block = fill->conv->src.block, rest = fill->conv->ic / fill->conv->groups % block;
    if (grid_lanes_cross_groups(fill->unit->plan))
        rest = fill->conv->ic % block;
    em_int whole = em_div(em, fill->channels, em_i(em, block));
    EM_FOR(em, b, em_i(em, 0), whole)
    fill_block(em, fill, row, columns, em_mulc(em, b.at, block), em_i(em, block));
    if (rest)
        EM_IF(em, em_lt(em, em_mulc(em, whole, block), fill->channels))
    fill_block(em, fill, row, columns, em_mulc(em, whole, block), em_i(em, rest));
}

/* One row of all channels, block by block where they lie in blocks. */
static void fill_channels(struct em *em, const struct fill *fill, const struct row *row, em_int columns)
{
    int64_t block = fill->conv->src.block;
    if (!block) {
        fill_row(em, fill, row, columns);
        return;
    }
    if (grid_units_begin_blocks(fill->unit->plan)) {
        fill_whole_blocks(em, fill, row, columns);
        return;
    }
    em_int end = em_add(em, fill->first, fill->channels);
    EM_FOR(em, b, em_div(em, fill->first, em_i(em, block)), em_ceil_divc(em, end, block))
    {
        em_int begin = em_max(em, em_mulc(em, b.at, block), fill->first);
        em_int count = em_sub(em, em_min(em, em_addc(em, em_mulc(em, b.at, block), block), end), begin);
        fill_block(em, fill, row, columns, em_sub(em, begin, fill->first), count);
    }
}

/* Window elements along an axis that `outs` outputs need. */
static em_int needed(struct em *em, const struct fill *fill, int axis, em_int outs)
{
    struct window window = grid_window(fill->unit->plan);
    struct phase phase = conv_phase(fill->conv, 0);
    const struct phase_axis *p = &phase.axis[axis];
    em_int taps = fill->unit->axis[axis].taps;
    bool picked = axis == AXIS_H && grid_picks_rows(fill->unit->plan);
    if (window.step[axis] != 1 && !picked)
        return taps;
    outs = em_min(em, outs, em_i(em, fill->conv->axis[axis].out));
    if (picked)
        return outs;
    em_int span = em_mulc(em, em_addc(em, taps, -1), p->off_step);
    em_int count = em_addc(em, em_add(em, em_mulc(em, em_addc(em, outs, -1), p->in_step), span), 1);
    return em_clamp(em, count, em_i(em, 0), em_i(em, window.count[axis]));
}

static void zero_row(struct em *em, const struct fill *fill, em_ptr to)
{
    EM_FOR(em, c, em_i(em, 0), fill->channels)
    {
        em_ptr at = em_offset(em, to, em_mulc(em, c.at, fill->band.channel));
        em_zero_run(em, (struct em_run){at, 1}, em_i(em, fill->band.axis[AXIS_H]));
    }
}

/* Row `at` of the input, if it lies in zero padding and the algorithm sums over it all the same. */
static void fill_row_outside(struct em *em, const struct fill *fill, em_ptr to, em_int at)
{
    if (fill->conv->pad_mode != CJ_PAD_ZEROS || !grid_rows_in_band(fill->unit->plan))
        return;
    EM_IF(em, em_lt(em, at, em_i(em, 0)))
    zero_row(em, fill, to);
    EM_IF(em, em_lt(em, em_i(em, fill->conv->axis[AXIS_H].in - 1), at))
    zero_row(em, fill, to);
}

/* Walk planes or rows: run the inner level for each that holds input. */
static void fill_axis(struct em *em, const struct fill *fill, const struct window_view *window, int axis,
                      const struct row *outer)
{
    const struct unit *unit = fill->unit;
    em_int cols = em_sub(em, unit_tile_col(em, unit, unit->tile1), unit_tile_col(em, unit, unit->tile0));
    struct window size = grid_window(unit->plan);
    bool whole = axis != AXIS_D && grid_fills_padded_rows(unit->plan);
    if (axis == AXIS_W) {
        em_int count = needed(em, fill, AXIS_W, cols);
        fill_channels(em, fill, outer, count);
        if (whole)
            zero_columns(em, fill, outer, count, em_i(em, size.count[AXIS_W]));
        return;
    }
    em_int outs = axis == AXIS_D ? em_i(em, 1) : em_sub(em, unit->row1, unit->row0);
    em_int count = needed(em, fill, axis, outs);
    int64_t in = fill->conv->axis[axis].in;
    EM_FOR(em, i, em_i(em, 0), whole ? em_i(em, size.count[axis]) : count)
    {
        em_int at = em_add(em, window->first[axis], em_mulc(em, i.at, size.step[axis]));
        at = pad_map(em, fill->conv->pad_mode, at, in);
        em_cond holds_input = em_and(em, em_lt(em, em_i(em, -1), at), em_lt(em, at, em_i(em, in)));
        struct row inner = {em_offset(em, outer->to, em_mulc(em, i.at, fill->band.axis[axis])),
                            em_offset(em, outer->from, em_mulc(em, at, fill->conv->src.axis[axis])),
                            outer->first};
        if (whole) {
            holds_input = em_and(em, holds_input, em_lt(em, i.at, count));
            EM_IF(em, em_not(em, holds_input))
            em_zero_run(em, (struct em_run){inner.to, 1}, em_i(em, fill->band.axis[axis]));
        }
        EM_IF(em, holds_input)
        fill_axis(em, fill, window, axis + 1, &inner);
        if (axis == AXIS_H)
            fill_row_outside(em, fill, inner.to, at);
    }
}

struct source band_source(struct em *em, const struct unit *unit, const struct window_view *window,
                          em_int channel)
{
    const struct plan *plan = unit->plan;
    struct fill fill = {.unit = unit, .conv = &plan->conv, .band = grid_band(plan), .first = channel};
    em_int rest = em_sub(em, em_i(em, plan->conv.ic), channel);
    fill.channels = grid_lanes_cross_groups(plan) && unit->grid.channel_units > 1
                        ? em_min(em, em_i(em, fill.band.channels), rest)
                        : em_i(em, min64(fill.band.channels, plan->conv.ic));
    struct row outer = {em_argument(em, EM_SCRATCH), window->origin, window->first[AXIS_W]};
    if (grid_keeps_band(plan))
        EM_IF(em, em_not(em, unit->finds_band))
    fill_axis(em, &fill, window, AXIS_D, &outer);
    if (!grid_keeps_band(plan))
        fill_axis(em, &fill, window, AXIS_D, &outer);
    struct phase phase = conv_phase(&plan->conv, 0);
    struct window shape = grid_window(plan);
    struct source source = {.base = outer.to,
                            .channel = fill.band.channel,
                            .split = fill.band.split,
                            .split_stride = fill.band.split_stride,
                            .off_step = phase.axis[AXIS_W].off_step};
    for (int a = 0; a < AXES; a++) {
        bool picked = a == AXIS_H && grid_picks_rows(plan);
        source.out[a] = (picked ? 1 : phase.axis[a].in_step) * fill.band.axis[a];
        source.tap[a] = phase.axis[a].off_step / shape.step[a] * fill.band.axis[a];
    }
    if (grid_lanes_are_columns(plan))
        source.out[AXIS_W] = 1;
    return source;
}
