/* Work units taken apart. All numbers that differ between the phases of a transposed convolution come from
 * tables behind the code, so that one body serves all phases; with one phase they are constants. */
#include "walk.h"

#include "../src/arith.h"
#include "band.h"
#include "channels.h"

/* What a plan and phase number `index` of an axis say. */
typedef int64_t phase_number(const struct plan *plan, int axis, int64_t index);

static int64_t number_outs(const struct plan *plan, int axis, int64_t index)
{
    struct phase_axis phase = conv_axis_phase(&plan->conv, axis, index);
    return grid_outs(plan, axis, &phase);
}

static int64_t number_out0(const struct plan *plan, int axis, int64_t index)
{
    return conv_axis_phase(&plan->conv, axis, index).out0;
}

static int64_t number_off0(const struct plan *plan, int axis, int64_t index)
{
    return conv_axis_phase(&plan->conv, axis, index).off0;
}

static int64_t number_taps(const struct plan *plan, int axis, int64_t index)
{
    return conv_axis_phase(&plan->conv, axis, index).taps;
}

static int64_t number_taps_before(const struct plan *plan, int axis, int64_t index)
{
    return pack_taps_before(&plan->conv, axis, index);
}

/* The tiles of phase `index` of axis W, which the phases of the other axes have too. */
static struct tiles tiles_of(const struct plan *plan, int64_t index)
{
    struct phase phase = conv_phase(&plan->conv, index);
    return grid_tiles(plan, &phase);
}

static int64_t number_big(const struct plan *plan, int axis, int64_t index)
{
    (void)axis;
    return tiles_of(plan, index).big;
}

/* Columns of a tile that is not big; all tiles have the same width where there is no such one. */
static int64_t number_small_cols(const struct plan *plan, int axis, int64_t index)
{
    (void)axis;
    return tiles_of(plan, index).size - !grid_tiles_are_equal(plan);
}

/* A number of the unit's phase of an axis. */
static em_int phase_value(struct em *em, const struct unit *unit, phase_number *number, int axis)
{
    int64_t row[MOST_PHASES], count = conv_axis_phases(&unit->plan->conv, axis);
    for (int64_t i = 0; i < count; i++)
        row[i] = number(unit->plan, axis, i);
    return em_table(em, row, count, unit->phase[axis]);
}

static struct phase_view view_axis(struct em *em, const struct unit *unit, int axis)
{
    return (struct phase_view){.outs = phase_value(em, unit, number_outs, axis),
                               .out0 = phase_value(em, unit, number_out0, axis),
                               .off0 = phase_value(em, unit, number_off0, axis),
                               .taps = phase_value(em, unit, number_taps, axis)};
}

/* Range number `index` of ranges of `size` that cover [0, count). */
static void set_range(struct em *em, em_int index, int64_t size, em_int count, em_int range[2])
{
    range[0] = em_min(em, em_mulc(em, index, size), count);
    range[1] = em_min(em, em_addc(em, em_mulc(em, index, size), size), count);
}

static em_int phase_tiles(struct em *em, const struct unit *unit)
{
    em_int outs = unit->axis[AXIS_W].outs;
    int64_t cols, tile = grid_tile_cols(unit->plan);
    if (em_known(outs, &cols))
        return em_i(em, ceil_div(cols, tile));
    return em_ceil_divc(em, outs, tile);
}

struct unit unit_open(struct em *em, const struct plan *plan, em_int number)
{
    struct unit unit = {.plan = plan, .grid = grid_of_plan(plan)};
    const struct grid *grid = &unit.grid;
    em_cond follows = em_lt(em, em_first_unit(em), number);
    struct channel_block channels = grid_channels(plan);
    bool innermost = grid_channels_are_innermost(plan);
    em_int channel_unit = em_digit(em, &number, innermost ? grid->channel_units : 1);
    em_int tile_unit = em_digit(em, &number, grid->tile_units);
    em_int row_unit = em_digit(em, &number, grid->row_units);
    unit.depth = em_digit(em, &number, grid->depth);
    if (!innermost)
        channel_unit = em_digit(em, &number, grid->channel_units);
    unit.group = em_digit(em, &number, grid->groups);
    for (int a = AXES - 1; a >= 0; a--)
        unit.phase[a] = em_digit(em, &number, conv_axis_phases(&plan->conv, a));
    unit.image = number;
    unit.images = em_i(em, 1);
    for (int a = 0; a < AXES; a++)
        unit.axis[a] = view_axis(em, &unit, a);
    unit.tiles_big = phase_value(em, &unit, number_big, AXIS_W);
    unit.tiles_small_cols = phase_value(em, &unit, number_small_cols, AXIS_W);
    em_int range[2];
    set_range(em, channel_unit, grid->unit_blocks, em_i(em, ceil_div(channels.channels, channels.block)),
              range);
    unit.block0 = range[0], unit.block1 = range[1];
    unit.finds_band = em_and(em, follows, em_lt(em, em_i(em, 0), channel_unit));
    set_range(em, row_unit, plan->block_rows, unit.axis[AXIS_H].outs, range);
    em_cond exists = em_lt(em, unit.depth, unit.axis[AXIS_D].outs);
    unit.row0 = range[0], unit.row1 = em_choose(em, exists, range[1], range[0]);
    set_range(em, tile_unit, grid->unit_tiles, phase_tiles(em, &unit), range);
    unit.tile0 = range[0], unit.tile1 = range[1];
    return unit;
}

int64_t plan_parts(const struct plan *plan)
{
    return grid_of_plan(plan).channel_units;
}

struct part_range blocks_of_call(struct em *em, const struct plan *plan)
{
    int64_t parts = plan_parts(plan);
    return (struct part_range){em_div(em, em_first_unit(em), em_i(em, parts)),
                               em_ceil_divc(em, em_last_unit(em), parts)};
}

struct part_range parts_of_block(struct em *em, const struct plan *plan, em_int block)
{
    int64_t parts = plan_parts(plan);
    em_int before = em_mulc(em, block, parts), none = em_i(em, 0), all = em_i(em, parts);
    if (parts == 1)
        return (struct part_range){none, all};
    return (struct part_range){em_max(em, em_sub(em, em_first_unit(em), before), none),
                               em_min(em, em_sub(em, em_last_unit(em), before), all)};
}

void unit_adopt(struct em *em, struct unit *unit, const struct plan *plan)
{
    unit->plan = plan;
    unit->grid = grid_of_plan(plan);
    unit->block0 = em_i(em, 0);
    unit->block1 = em_i(em, unit->grid.unit_blocks);
    if (unit->grid.tile_units > 1)
        return;
    unit->tiles_big = phase_value(em, unit, number_big, AXIS_W);
    unit->tiles_small_cols = phase_value(em, unit, number_small_cols, AXIS_W);
    unit->tile0 = em_i(em, 0);
    unit->tile1 = phase_tiles(em, unit);
}

em_int unit_tile_col(struct em *em, const struct unit *unit, em_int tile)
{
    em_int cols = em_mul(em, tile, unit->tiles_small_cols);
    if (!grid_tiles_are_equal(unit->plan))
        cols = em_add(em, cols, em_min(em, tile, unit->tiles_big));
    return em_min(em, cols, unit->axis[AXIS_W].outs);
}

void widths_add(struct tile_widths *widths, int64_t width)
{
    int at = 0;
    while (at < widths->count && widths->width[at] > width)
        at++;
    if (width < 1 || (at < widths->count && widths->width[at] == width))
        return;
    for (int i = widths->count++; i > at; i--)
        widths->width[i] = widths->width[i - 1];
    widths->width[at] = width;
}

/* Phases of an axis differ by a few columns at most, so there are few widths. */
struct tile_widths plan_tile_widths(const struct plan *plan)
{
    struct tile_widths widths = {0};
    int64_t phases = conv_axis_phases(&plan->conv, AXIS_W);
    for (int64_t i = 0; i < phases; i++) {
        struct tiles tiles = tiles_of(plan, i);
        widths_add(&widths, tiles.big ? tiles.size : 0);
        widths_add(&widths, tiles.small ? tiles.size - 1 : 0);
    }
    return widths;
}

struct tile_range unit_tiles_of_width(struct em *em, const struct unit *unit, int64_t width)
{
    em_int small = unit->tiles_small_cols, w = em_i(em, width);
    em_cond is_big = em_and(em, em_lt(em, small, w), em_lt(em, w, em_addc(em, small, 2)));
    em_cond is_small = em_and(em, em_lt(em, w, em_addc(em, small, 1)), em_lt(em, em_addc(em, small, -1), w));
    em_int none = unit->tile0;
    em_int begin = em_choose(em, is_small, em_max(em, unit->tile0, unit->tiles_big), none);
    em_int big_end = em_choose(em, is_big, em_min(em, unit->tile1, unit->tiles_big), none);
    return (struct tile_range){begin, em_choose(em, is_small, unit->tile1, big_end)};
}

struct tap_range unit_taps(struct em *em, const struct unit *unit, int axis, em_int first, em_int last)
{
    const struct conv *conv = &unit->plan->conv;
    const struct phase_view *view = &unit->axis[axis];
    struct tap_range all = {em_i(em, 0), view->taps};
    if (conv->pad_mode != CJ_PAD_ZEROS || !conv_axis_padded(conv, axis))
        return all;
    if (axis == AXIS_W && !grid_tiles_fall_outside(unit->plan))
        return all;
    struct phase phase = conv_phase(conv, 0);
    int64_t in_step = phase.axis[axis].in_step, off_step = phase.axis[axis].off_step;
    em_int low = em_add(em, em_mulc(em, last, in_step), view->off0);
    em_int high = em_add(em, em_mulc(em, first, in_step), view->off0);
    em_int begin = em_ceil_divc(em, em_sub(em, em_i(em, 0), low), off_step);
    em_int end = em_ceil_divc(em, em_sub(em, em_i(em, conv->axis[axis].in), high), off_step);
    return (struct tap_range){em_clamp(em, begin, all.begin, all.end), em_clamp(em, end, all.begin, all.end)};
}

/* The unit's first input channel. */
static em_int first_channel(struct em *em, const struct unit *unit)
{
    const struct conv *conv = &unit->plan->conv;
    int64_t in_group = conv->ic / conv->groups;
    if (grid_lanes_cross_groups(unit->plan))
        return em_mulc(em, unit->block0, grid_channels(unit->plan).block * in_group);
    return em_mulc(em, unit->group, in_group);
}

/* The input coordinate of the unit's first output and tap 0. */
static em_int first_input(struct em *em, const struct unit *unit, int axis, em_int output)
{
    struct phase phase = conv_phase(&unit->plan->conv, 0);
    return em_add(em, em_mulc(em, output, phase.axis[axis].in_step), unit->axis[axis].off0);
}

struct source unit_source(struct em *em, const struct unit *unit)
{
    const struct conv *conv = &unit->plan->conv;
    em_int outputs[AXES] = {unit->depth, unit->row0, unit_tile_col(em, unit, unit->tile0)};
    em_int channel = first_channel(em, unit);
    em_ptr image = em_offset(em, em_argument(em, EM_SRC), em_mulc(em, unit->image, conv->src.n));
    struct window_view window = {.origin = em_offset(em, image, channel_offset(em, &conv->src, channel))};
    for (int a = 0; a < AXES; a++)
        window.first[a] = first_input(em, unit, a, outputs[a]);
    if (unit->plan->band)
        return band_source(em, unit, &window, channel);
    struct phase phase = conv_phase(conv, 0);
    struct source source = {.base = window.origin,
                            .channel = conv->src.c,
                            .block = conv->src.block,
                            .block_step = conv->src.block_step,
                            .split = 1};
    for (int a = 0; a < AXES; a++) {
        source.base = em_offset(em, source.base, em_mulc(em, window.first[a], conv->src.axis[a]));
        source.out[a] = phase.axis[a].in_step * conv->src.axis[a];
        source.tap[a] = phase.axis[a].off_step * conv->src.axis[a];
    }
    return source;
}

em_int source_channel(struct em *em, const struct source *source, em_int channel)
{
    struct strides strides = {.c = source->channel, .block = source->block, .block_step = source->block_step};
    return channel_offset(em, &strides, channel);
}

em_int source_col_tap(struct em *em, const struct source *source, em_int tap)
{
    if (source->split == 1)
        return em_mulc(em, tap, source->tap[AXIS_W]);
    em_int column = em_mulc(em, tap, source->off_step), split = em_i(em, source->split);
    em_int part = em_mulc(em, em_rem(em, column, split), source->split_stride);
    return em_add(em, part, em_div(em, column, split));
}

em_int unit_pixel(struct em *em, const struct unit *unit, em_int row, em_int col)
{
    const struct conv *conv = &unit->plan->conv;
    struct phase phase = conv_phase(conv, 0);
    em_int outputs[AXES] = {unit->depth, row, col};
    em_int offset = em_mulc(em, unit->image, conv->dst.n);
    for (int a = 0; a < AXES; a++) {
        em_int at = em_add(em, unit->axis[a].out0, em_mulc(em, outputs[a], phase.axis[a].out_step));
        offset = em_add(em, offset, em_mulc(em, at, conv->dst.axis[a]));
    }
    return offset;
}

em_int unit_weights(struct em *em, const struct unit *unit)
{
    const struct conv *conv = &unit->plan->conv;
    const struct phase_view *d = &unit->axis[AXIS_D], *h = &unit->axis[AXIS_H], *w = &unit->axis[AXIS_W];
    em_int before[AXES];
    int64_t all[AXES], of_tap = pack_elements_of_tap(&unit->plan->pack);
    for (int a = 0; a < AXES; a++) {
        before[a] = phase_value(em, unit, number_taps_before, a);
        all[a] = pack_taps_before(conv, a, conv_axis_phases(conv, a));
    }
    /* Phases lie one behind the other, those of axis W counting fastest. */
    em_int rows = em_add(em, em_mulc(em, before[AXIS_H], all[AXIS_W]), em_mul(em, h->taps, before[AXIS_W]));
    em_int taps = em_add(em, em_mulc(em, before[AXIS_D], all[AXIS_H] * all[AXIS_W]), em_mul(em, d->taps, rows));
    em_int own = em_mul(em, em_mul(em, d->taps, h->taps), w->taps);
    em_int group = em_mulc(em, em_mul(em, unit->group, own), of_tap / unit->grid.groups);
    return em_add(em, em_mulc(em, taps, of_tap), group);
}
