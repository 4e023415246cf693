/* Work units against the description of grid.h: every output in exactly one, all that it reads in its window.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/grid.h"
#include "support/sample.h"

#include <stdlib.h>
#include <string.h>

/* Larger ones take too long to visit. */
enum { MOST_OUTPUTS = 30000 };

/* A plan's cut, worked out once. */
struct cut {
    const struct plan *plan;
    struct grid grid;
    struct channel_block channels;
    struct window window;
};

static struct cut cut_of(const struct plan *plan)
{
    return (struct cut){plan, grid_of_plan(plan), grid_channels(plan), grid_window(plan)};
}

/* One unit, taken apart: the phase, and ranges of what it covers. */
struct unit {
    struct phase phase;
    int64_t group, depth;
    int64_t block[2], row[2], col[2]; /* register blocks of channels; outputs of the phase */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t digit(int64_t *number, int64_t radix)
{
    int64_t rest = *number % radix;
    *number /= radix;
    return rest;
}

/* The columns in front of tile t of a phase. */
static int64_t tile_col(const struct plan *plan, const struct phase *phase, int64_t t)
{
    struct tiles tiles = grid_tiles(plan, phase);
    int64_t outs = grid_outs(plan, AXIS_W, &phase->axis[AXIS_W]);
    if (grid_tiles_are_equal(plan))
        return least(t * tiles.size, outs);
    int64_t big = least(t, tiles.big), small = least(t - big, tiles.small);
    return big * tiles.size + small * (tiles.size - 1);
}

static struct unit take_apart(const struct cut *cut, int64_t number)
{
    const struct plan *plan = cut->plan;
    const struct grid *grid = &cut->grid;
    int64_t blocks = (cut->channels.channels + cut->channels.block - 1) / cut->channels.block;
    struct unit unit;
    bool channels_first = plan->algo == ALGO_winograd || plan->algo == ALGO_separable_planar;
    int64_t channel_unit = digit(&number, channels_first ? grid->channel_units : 1);
    int64_t tile = digit(&number, grid->tile_units) * grid->unit_tiles;
    unit.row[0] = digit(&number, grid->row_units) * plan->block_rows;
    unit.depth = digit(&number, grid->depth);
    if (!channels_first)
        channel_unit = digit(&number, grid->channel_units);
    unit.block[0] = channel_unit * grid->unit_blocks;
    unit.block[1] = least(unit.block[0] + grid->unit_blocks, blocks);
    unit.group = digit(&number, grid->groups);
    unit.phase = conv_phase(&plan->conv, digit(&number, grid->phases));
    unit.row[1] = least(unit.row[0] + plan->block_rows, grid_outs(plan, AXIS_H, &unit.phase.axis[AXIS_H]));
    unit.col[0] = tile_col(plan, &unit.phase, tile);
    unit.col[1] = tile_col(plan, &unit.phase, tile + grid->unit_tiles);
    if (unit.depth >= unit.phase.axis[AXIS_D].outs)
        unit.row[1] = unit.row[0];
    return unit;
}

/* Output number j of an axis in the order of tiles, as an output of the phase; -1 where there is none. Along an
 * axis that Winograd's tiles take apart, tiles of residue 0 come first, `dilation` residues in all. */
static int64_t real_output(const struct plan *plan, const struct phase_axis *p, int axis, int64_t j)
{
    int64_t tile = axis == AXIS_H ? plan->wino_rows : axis == AXIS_W ? plan->wino_cols : 1, d = p->off_step;
    if (tile > 1 && d > 1) {
        int64_t of_residue = grid_outs(plan, axis, p) / d;
        j = j / of_residue + j % of_residue * d;
    }
    return j < p->outs ? j : -1;
}

static int64_t out_index(const struct phase *phase, int axis, int64_t j)
{
    return phase->axis[axis].out0 + j * phase->axis[axis].out_step;
}

/* Count one visit of every pixel that a unit covers in one output channel. */
static void visit_pixels(const struct plan *plan, const struct unit *unit, int64_t oc, int *visits)
{
    const struct conv *conv = &plan->conv;
    int64_t plane = oc * conv->axis[AXIS_D].out + out_index(&unit->phase, AXIS_D, unit->depth);
    for (int64_t r = unit->row[0]; r < unit->row[1]; r++)
        for (int64_t c = unit->col[0]; c < unit->col[1]; c++) {
            int64_t y = real_output(plan, &unit->phase.axis[AXIS_H], AXIS_H, r);
            int64_t x = real_output(plan, &unit->phase.axis[AXIS_W], AXIS_W, c);
            if (y < 0 || x < 0)
                continue;
            int64_t row = plane * conv->axis[AXIS_H].out + out_index(&unit->phase, AXIS_H, y);
            visits[row * conv->axis[AXIS_W].out + out_index(&unit->phase, AXIS_W, x)]++;
        }
}

static void visit_unit(const struct cut *cut, const struct unit *unit, int *visits)
{
    const struct plan *plan = cut->plan;
    struct channel_block channels = cut->channels;
    int64_t end = least(unit->block[1] * channels.block, channels.channels);
    int64_t each = grid_lanes_cross_groups(plan) ? plan->conv.oc / plan->conv.groups : 1;
    for (int64_t c = unit->block[0] * channels.block; c < end; c++)
        for (int64_t j = 0; j < each; j++)
            visit_pixels(plan, unit, (unit->group * channels.channels + c) * each + j, visits);
}

static int64_t output_count(const struct conv *conv)
{
    return conv->oc * conv->axis[0].out * conv->axis[1].out * conv->axis[2].out;
}

static bool covers_each_output_once(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    struct cut cut = cut_of(plan);
    int64_t outputs = output_count(&plan->conv), units = grid_units(&cut.grid), wrong = -1;
    if (plan->units != units)
        return sample_wrong(sample, "the grid has %lld units", (long long)units);
    if (outputs > MOST_OUTPUTS)
        return true;
    int *visits = calloc((size_t)outputs, sizeof *visits);
    for (int64_t i = 0; i < units; i++) {
        struct unit unit = take_apart(&cut, i);
        visit_unit(&cut, &unit, visits);
    }
    for (int64_t i = outputs - 1; i >= 0; i--)
        wrong = visits[i] == 1 ? wrong : i;
    int times = wrong < 0 ? 1 : visits[wrong];
    free(visits);
    return wrong < 0 || sample_wrong(sample, "output %lld is covered %d times", (long long)wrong, times);
}

/* ---- Windows ---- */

/* A unit's outputs [begin, end) of an axis read input from that of the first output and tap 0 on, in steps. */
static bool axis_is_held(const struct sample *sample, const struct window *window, int axis,
                         const struct phase_axis *p, const int64_t range[2])
{
    int64_t count = window->count[axis], step = window->step[axis], first = range[0] * p->in_step;
    for (int64_t i = range[0]; i < range[1]; i++)
        for (int64_t t = 0; t < p->taps; t++) {
            int64_t j = real_output(sample->plan, p, axis, i);
            if (j < 0)
                continue;
            int64_t at = j * p->in_step + t * p->off_step - first;
            if (at % step || at / step >= count)
                return sample_wrong(sample,
                                    "axis %d: output %lld, tap %lld reads %lld behind the window's start", axis,
                                    (long long)j, (long long)t, (long long)at);
        }
    return true;
}

static bool window_holds_what_units_read(const struct sample *sample)
{
    struct cut cut = cut_of(sample->plan);
    if (sample->plan->wino_cols && !sample->plan->band)
        return true; /* reads the input where it lies */
    int64_t units = grid_units(&cut.grid), stride = units > 3000 ? units / 3000 : 1;
    for (int64_t i = 0; i < units; i += stride) {
        struct unit unit = take_apart(&cut, i);
        const int64_t ranges[AXES][2] = {
            {unit.depth, unit.depth + 1}, {unit.row[0], unit.row[1]}, {unit.col[0], unit.col[1]}};
        for (int a = 0; a < AXES && unit.row[0] < unit.row[1] && unit.col[0] < unit.col[1]; a++)
            if (!axis_is_held(sample, &cut.window, a, &unit.phase.axis[a], ranges[a]))
                return false;
    }
    return true;
}

/* ---- Bands ---- */

/* Elements of the band from its start to one of a channel, plane, row and column of the window. */
static int64_t band_place(const struct band *band, int64_t channel, const int64_t at[AXES])
{
    int64_t col = at[AXIS_W] % band->split * band->split_stride + at[AXIS_W] / band->split * band->axis[AXIS_W];
    return channel * band->channel + at[AXIS_D] * band->axis[AXIS_D] + at[AXIS_H] * band->axis[AXIS_H] + col;
}

static bool places_differ(const struct sample *sample, const struct band *band, const struct window *window,
                          char *used)
{
    int64_t at[AXES];
    for (int64_t c = 0; c < band->channels; c++)
        for (at[0] = 0; at[0] < window->count[0]; at[0]++)
            for (at[1] = 0; at[1] < window->count[1]; at[1]++)
                for (at[2] = 0; at[2] < window->count[2]; at[2]++) {
                    int64_t place = band_place(band, c, at);
                    if (place < 0 || place >= band->elements || used[place]++)
                        return sample_wrong(
                            sample, "channel %lld of the band, column %lld: place %lld of %lld is bad",
                            (long long)c, (long long)at[2], (long long)place, (long long)band->elements);
                }
    return true;
}

/* Where lanes are columns, vectors of the last tile read on behind the window, at each tap, and their
 * neighbours behind them at all but the last: still in the band. */
static bool vectors_stay_inside(const struct sample *sample, const struct band *band,
                                const struct window *window)
{
    const struct plan *plan = sample->plan;
    const struct phase_axis p = conv_phase(&plan->conv, 0).axis[AXIS_W];
    int64_t vectors = grid_of_plan(plan).unit_tiles * plan->tile_vecs,
            taps = conv_most_taps(&plan->conv, AXIS_W);
    for (int64_t v = 0; v < vectors; v++)
        for (int64_t t = 0; t < taps; t++) {
            int64_t at[] = {window->count[0] - 1, window->count[1] - 1,
                            v * plan->lanes * p.in_step + t * p.off_step};
            int64_t read = band->split == 1 && t + 1 < taps ? 2 * plan->lanes : plan->lanes;
            int64_t end = band_place(band, band->channels - 1, at) + read;
            if (end > band->elements)
                return sample_wrong(sample, "vector %lld, tap %lld ends at %lld of the band's %lld",
                                    (long long)v, (long long)t, (long long)end, (long long)band->elements);
        }
    return true;
}

/* Each element of the window has a place of its own, in the scratch that the plan asks for. The band of
 * separable_planar is its first stage's; see test_stages_planar.c. */
static bool band_has_room(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (!plan->band || plan->algo == ALGO_separable_planar)
        return true;
    struct band band = grid_band(plan);
    struct window window = grid_window(plan);
    if (band.elements * dtype_bytes((cj_dtype)plan->conv.dtype) > plan->scratch_bytes)
        return sample_wrong(sample, "the band has %lld elements", (long long)band.elements);
    if (plan->conv.ic / plan->conv.groups > band.channels)
        return sample_wrong(sample, "the band has room for %lld channels", (long long)band.channels);
    if (grid_lanes_are_columns(plan) && !vectors_stay_inside(sample, &band, &window))
        return false;
    if (band.elements > 1000000)
        return true;
    char *used = calloc((size_t)band.elements, 1);
    bool right = places_differ(sample, &band, &window, used);
    free(used);
    return right;
}

/* ---- Tiles of rows ---- */

/* Rows [begin, end) read no row outside the input. */
static bool rows_read_inside(const struct conv *conv, int64_t begin, int64_t end)
{
    struct phase_axis p = conv_axis_phase(conv, AXIS_H, 0);
    for (int64_t j = begin; j < end; j++)
        for (int64_t t = 0; t < p.taps; t++) {
            int64_t at = j * p.in_step + p.off0 + t * p.off_step;
            if (at < 0 || at >= conv->axis[AXIS_H].in)
                return false;
        }
    return true;
}

/* The tiles that are emitted for a row that is not known are whole, and read the input or a band. */
static bool tiles_between_edges_are_whole(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    int64_t size = plan->tile_rows, rows = plan->conv.axis[AXIS_H].out;
    if (plan->algo != ALGO_stencil)
        return true;
    struct edges edges = grid_row_edges(plan);
    bool in_band = grid_rows_in_band(plan);
    int64_t end = (rows + size - 1) / size - edges.last;
    if (in_band && !plan->band)
        return sample_wrong(sample, "rows outside are in a band that there is not");
    for (int64_t i = edges.first; i < end; i++)
        if ((i + 1) * size > rows || (!in_band && !rows_read_inside(&plan->conv, i * size, (i + 1) * size)))
            return sample_wrong(sample, "tile %lld of rows is at the edge", (long long)i);
    return true;
}

/* A tile of two rows has its sums in half of the registers, and rows that share input. */
static bool pairs_fit_the_registers(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    const struct axis *h = &plan->conv.axis[AXIS_H];
    if (!grid_rows_pair(plan))
        return true;
    int64_t sums = 2 * plan->tile_rows * plan->tile_vecs;
    if (2 * sums > isa_info((cj_isa)plan->isa)->registers)
        return sample_wrong(sample, "a pair of rows has %lld sums", (long long)sums);
    if (h->kernel < 2 || h->stride != 1 || h->dilation != 1 || plan->conv.op != CJ_CONV)
        return sample_wrong(sample, "a pair of rows shares nothing");
    return true;
}

/* ---- Blocks of channels in memory ---- */

/* The input channel that a unit begins with. */
static int64_t first_input_channel(const struct cut *cut, const struct unit *unit)
{
    int64_t in_group = cut->plan->conv.ic / cut->plan->conv.groups;
    bool crosses = grid_lanes_cross_groups(cut->plan);
    return (crosses ? unit->block[0] * cut->channels.block : unit->group) * in_group;
}

static bool units_begin_blocks(const struct sample *sample)
{
    struct cut cut = cut_of(sample->plan);
    int64_t units = grid_units(&cut.grid), block = sample->plan->conv.src.block;
    bool all = true;
    for (int64_t i = 0; block && i < units; i++) {
        struct unit unit = take_apart(&cut, i);
        all = all && first_input_channel(&cut, &unit) % block == 0;
    }
    if (grid_units_begin_blocks(sample->plan) != all)
        return sample_wrong(sample, "its units do%s begin blocks of %lld channels", all ? "" : " not",
                            (long long)block);
    return true;
}

/* Tiles of so many output channels, in each group from its first on. */
static bool multiples_divide_first_channels(const struct sample *sample)
{
    const struct conv *conv = &sample->plan->conv;
    int64_t groups = conv->op == CJ_SEPARABLE ? 1 : conv->groups, channels = conv->oc / groups;
    for (int64_t tile = 1; tile <= 64; tile++) {
        int64_t multiple = grid_channel_multiple(sample->plan, tile);
        for (int64_t group = 0; group < groups; group++)
            for (int64_t c = group * channels; c < (group + 1) * channels; c += tile)
                if (c % multiple)
                    return sample_wrong(sample, "channel %lld is no multiple of %lld", (long long)c,
                                        (long long)multiple);
    }
    return true;
}

/* ---- The tests ---- */

static void every_output_is_in_one_unit(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(31, 1000, 12, covers_each_output_once), 0);
}

static void rows_longer_than_a_tile_are_covered(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(32, 100, 70, covers_each_output_once), 0);
}

static void windows_hold_what_units_read(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(33, 600, 12, window_holds_what_units_read), 0);
    assert_int_equal(sample_plans(34, 100, 100, window_holds_what_units_read), 0);
}

static void bands_have_room_for_windows(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(35, 300, 12, band_has_room), 0);
    assert_int_equal(sample_plans(36, 40, 80, band_has_room), 0);
}

static void tiles_of_rows_between_the_edges_are_whole(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(38, 1000, 12, tiles_between_edges_are_whole), 0);
    assert_int_equal(sample_plans(39, 300, 60, tiles_between_edges_are_whole), 0);
}

static void pairs_of_rows_share_input_and_fit(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(40, 1000, 40, pairs_fit_the_registers), 0);
}

static void units_are_known_to_begin_blocks(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(41, 1000, 70, units_begin_blocks), 0);
    assert_int_equal(sample_plans(42, 1000, 20, multiples_divide_first_channels), 0);
}

static void even_tiles_differ_by_one_column(void **state)
{
    (void)state;
    for (int64_t outs = 1; outs < 200; outs++)
        for (int64_t most = 1; most < 32; most++) {
            struct tiles tiles = tiles_even(outs, most);
            assert_true(tiles.size >= 1 && tiles.size <= most);
            assert_true(tiles.big >= 0 && tiles.small >= 0);
            assert_true(tiles.small == 0 || tiles.size > 1);
            assert_int_equal(tiles.big * tiles.size + tiles.small * (tiles.size - 1), outs);
            assert_int_equal(tiles.big + tiles.small, (outs + most - 1) / most); /* no more than needed */
        }
}

static bool reads_outside(const struct conv *conv, int a)
{
    const struct axis *x = &conv->axis[a];
    int64_t phases = conv_phases(conv);
    for (int64_t i = 0; i < phases; i++) {
        struct phase phase = conv_phase(conv, i);
        const struct phase_axis *p = &phase.axis[a];
        for (int64_t j = 0; j < p->outs; j++)
            for (int64_t t = 0; t < p->taps; t++) {
                int64_t at = j * p->in_step + p->off0 + t * p->off_step;
                if (at < 0 || at >= x->in)
                    return true;
            }
    }
    return false;
}

static void facts_about_axes_are_those_of_all_phases(void **state)
{
    (void)state;
    unsigned s = 37;
    for (int i = 0; i < 1000; i++) {
        cj_conv_desc desc = sample_desc(&s, 12);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        for (int a = 0; a < AXES; a++) {
            int64_t outs = 0, taps = 0, phases = conv_phases(&conv);
            for (int64_t p = 0; p < phases; p++) {
                struct phase phase = conv_phase(&conv, p);
                outs = phase.axis[a].outs > outs ? phase.axis[a].outs : outs;
                taps = phase.axis[a].taps > taps ? phase.axis[a].taps : taps;
            }
            bool right = conv_axis_padded(&conv, a) == reads_outside(&conv, a) &&
                         conv_most_outs(&conv, a) == outs && conv_most_taps(&conv, a) == taps;
            if (!right)
                fail_msg("%s axis %d", sample_shape(&desc), a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_output_is_in_one_unit),
        cmocka_unit_test(rows_longer_than_a_tile_are_covered),
        cmocka_unit_test(windows_hold_what_units_read),
        cmocka_unit_test(bands_have_room_for_windows),
        cmocka_unit_test(tiles_of_rows_between_the_edges_are_whole),
        cmocka_unit_test(pairs_of_rows_share_input_and_fit),
        cmocka_unit_test(units_are_known_to_begin_blocks),
        cmocka_unit_test(even_tiles_differ_by_one_column),
        cmocka_unit_test(facts_about_axes_are_those_of_all_phases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
