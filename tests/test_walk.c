/* Work units as generated code takes them apart, against src/grid.h in plain C, for plans of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/walk.h"
#include "words/trials.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 2, MOST = 120, NAME = 24 };

/* Numbers with their names, in the order in which they are written down. */
struct notes {
    int count;
    struct {
        char name[NAME];
        int64_t value;
    } note[MOST];
};

static void write_down(struct notes *notes, const char *name, int64_t value)
{
    assert_true(notes->count < MOST);
    snprintf(notes->note[notes->count].name, NAME, "%s", name);
    notes->note[notes->count++].value = value;
}

/* What generated code says goes to dst in the same order. */
struct written {
    struct em *em;
    int64_t count;
};

static void emit_note(struct written *written, em_int value)
{
    struct em *em = written->em;
    words_store_int(em, em_argument(em, EM_DST), em_i(em, written->count++), value);
}

/* ---- A unit's fields ---- */

static void emit_unit(struct written *w, const struct unit *unit)
{
    struct em *em = w->em;
    const em_int fields[] = {unit->image,    unit->group,    unit->depth,  unit->phase[0],
                             unit->phase[1], unit->phase[2], unit->block0, unit->block1,
                             unit->row0,     unit->row1,     unit->tile0,  unit->tile1};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        emit_note(w, fields[i]);
    for (int a = 0; a < AXES; a++) {
        emit_note(w, unit->axis[a].outs);
        emit_note(w, unit->axis[a].out0);
        emit_note(w, unit->axis[a].off0);
        emit_note(w, unit->axis[a].taps);
    }
    em_int col = unit_tile_col(em, unit, unit->tile0);
    emit_note(w, col);
    emit_note(w, unit_pixel(em, unit, unit->row0, col));
    emit_note(w, unit_weights(em, unit));
}

static void plain_fields(struct notes *n, const struct plan *plan, const struct plain_unit *u)
{
    write_down(n, "image", u->image);
    write_down(n, "group", u->group);
    write_down(n, "depth", u->depth);
    int64_t rest = u->phase_index, index[AXES];
    for (int a = AXES - 1; a >= 0; a--) {
        index[a] = rest % conv_axis_phases(&plan->conv, a);
        rest /= conv_axis_phases(&plan->conv, a);
    }
    for (int a = 0; a < AXES; a++)
        write_down(n, "phase", index[a]);
    write_down(n, "block0", u->block[0]);
    write_down(n, "block1", u->block[1]);
    write_down(n, "row0", u->row[0]);
    write_down(n, "row1", u->row[1]);
    write_down(n, "tile0", u->tile[0]);
    write_down(n, "tile1", u->tile[1]);
    for (int a = 0; a < AXES; a++) {
        write_down(n, "outs", grid_outs(plan, a, &u->phase.axis[a]));
        write_down(n, "out0", u->phase.axis[a].out0);
        write_down(n, "off0", u->phase.axis[a].off0);
        write_down(n, "taps", u->phase.axis[a].taps);
    }
}

/* The output pixel's place by the definition of a phase. */
static int64_t plain_pixel(const struct conv *conv, const struct plain_unit *u, int64_t col)
{
    int64_t outputs[AXES] = {u->depth, u->row[0], col}, offset = u->image * conv->dst.n;
    for (int a = 0; a < AXES; a++)
        offset += (u->phase.axis[a].out0 + outputs[a] * u->phase.axis[a].out_step) * conv->dst.axis[a];
    return offset;
}

static void plain_notes(struct notes *n, const struct plan *plan, const struct plain_unit *u)
{
    n->count = 0;
    plain_fields(n, plan, u);
    int64_t col = plain_tile_col(plan, &u->phase, u->tile[0]);
    write_down(n, "first column", col);
    write_down(n, "pixel", plain_pixel(&plan->conv, u, col));
    write_down(n, "weights", plain_weights(plan, u));
}

/* ---- Ranges of taps and of tiles, which may be as wide as their words allow ---- */

enum { TAP_RANGES = AXES, RANGES = TAP_RANGES + MAX_WIDTHS };

static void emit_range(struct written *w, em_int begin, em_int end)
{
    emit_note(w, begin);
    emit_note(w, end);
}

/* Of the unit's first pixel; then the tiles of each width. */
static void emit_ranges(struct written *w, const struct unit *unit)
{
    struct em *em = w->em;
    em_int first[AXES] = {unit->depth, unit->row0, unit_tile_col(em, unit, unit->tile0)};
    for (int a = 0; a < AXES; a++) {
        struct tap_range taps = unit_taps(em, unit, a, first[a], first[a]);
        emit_range(w, taps.begin, taps.end);
    }
    struct tile_widths widths = plan_tile_widths(unit->plan);
    for (int i = 0; i < widths.count; i++) {
        struct tile_range tiles = unit_tiles_of_width(em, unit, widths.width[i]);
        emit_range(w, tiles.begin, tiles.end);
    }
}

/* To the scratch: the first columns of the unit's tiles, and of the one behind them. */
static void emit_columns(struct em *em, const struct unit *unit)
{
    EM_FOR(em, tile, unit->tile0, em_addc(em, unit->tile1, 1))
    {
        em_int column = unit_tile_col(em, unit, tile.at);
        words_store_int(em, em_argument(em, EM_SCRATCH), em_sub(em, tile.at, unit->tile0), column);
    }
}

static void emit_walk(struct em *em, const struct plan *plan, const void *arg)
{
    (void)arg;
    struct written written = {em, 0};
    struct unit unit = unit_open(em, plan, em_first_unit(em));
    emit_unit(&written, &unit);
    emit_ranges(&written, &unit);
    emit_columns(em, &unit);
}

static bool columns_are_right(const struct sample *s, const struct plain_unit *u, const int64_t *column)
{
    for (int64_t tile = u->tile[0]; tile <= u->tile[1]; tile++) {
        int64_t want = plain_tile_col(s->plan, &u->phase, tile), got = column[tile - u->tile[0]];
        if (got != want)
            return sample_wrong(s, "tile %lld begins at column %lld, should at %lld", (long long)tile,
                                (long long)got, (long long)want);
    }
    return true;
}

/* No tap of the output that falls inside the input may be left out; along planes and rows, where nothing is
 * padded in memory, none that falls outside may be left in. */
static bool taps_are_right(const struct sample *s, const struct plain_unit *u, int axis, const int64_t range[2])
{
    const struct conv *conv = &s->plan->conv;
    const struct phase_axis *p = &u->phase.axis[axis];
    int64_t output = axis == AXIS_D   ? u->depth
                     : axis == AXIS_H ? u->row[0]
                                      : plain_tile_col(s->plan, &u->phase, u->tile[0]);
    if (range[0] < 0 || range[1] > p->taps)
        return sample_wrong(s, "taps %lld to %lld of %lld along axis %d", (long long)range[0],
                            (long long)range[1], (long long)p->taps, axis);
    for (int64_t t = 0; t < p->taps; t++) {
        int64_t at = output * p->in_step + p->off0 + t * p->off_step;
        bool inside = conv->pad_mode != CJ_PAD_ZEROS || (at >= 0 && at < conv->axis[axis].in);
        bool taken = t >= range[0] && t < range[1];
        if (inside ? !taken : taken && axis != AXIS_W)
            return sample_wrong(s, "tap %lld along axis %d, at %lld, is %staken", (long long)t, axis,
                                (long long)at, taken ? "" : "not ");
    }
    return true;
}

/* Every tile of the unit is in the range of its own width, and in no other. */
static bool widths_are_right(const struct sample *s, const struct plain_unit *u, const int64_t range[][2])
{
    struct tile_widths widths = plan_tile_widths(s->plan);
    for (int64_t tile = u->tile[0]; tile < u->tile[1]; tile++) {
        int64_t width = plain_tile_col(s->plan, &u->phase, tile + 1) - plain_tile_col(s->plan, &u->phase, tile);
        for (int i = 0; i < widths.count; i++) {
            bool in = tile >= range[i][0] && tile < range[i][1];
            if (in != (width == widths.width[i]))
                return sample_wrong(s, "tile %lld of %lld columns and the range of %lld columns",
                                    (long long)tile, (long long)width, (long long)widths.width[i]);
        }
    }
    return true;
}

static bool unit_is_right(const struct sample *s, int64_t number, const int64_t *got, const int64_t *columns)
{
    struct plain_unit u = plain_unit(s->plan, number);
    struct notes want;
    plain_notes(&want, s->plan, &u);
    int notes =
        want.count - (s->plan->wino_cols > 0); /* transformed weights are no nest to find one's place in */
    for (int i = 0; i < notes; i++)
        if (got[i] != want.note[i].value)
            return sample_wrong(s, "unit %lld: %s is %lld, should be %lld", (long long)number,
                                want.note[i].name, (long long)got[i], (long long)want.note[i].value);
    const int64_t(*range)[2] = (const int64_t(*)[2])(got + want.count);
    if (u.row[0] < u.row[1] && u.tile[0] < u.tile[1])
        for (int a = 0; a < (s->plan->wino_cols ? AXIS_H : AXES); a++) /* all taps of rows are in each tile */
            if (!taps_are_right(s, &u, a, range[a]))
                return false;
    if (!columns_are_right(s, &u, columns))
        return false;
    return grid_tiles_are_equal(s->plan) || widths_are_right(s, &u, range + TAP_RANGES);
}

static bool walk_is_right(const struct sample *s)
{
    if (!units_chosen(s->plan, 15))
        return true;
    struct words_kernel words = words_open_plan(s->plan, emit_walk, NULL);
    bool right = true;
    int64_t units = BATCH * s->plan->units;
    int64_t *columns = calloc((size_t)grid_of_plan(s->plan).unit_tiles + 1, sizeof *columns);
    assert_non_null(columns);
    for (int64_t number = 0; number < units && right; number = units_next(number, units)) {
        int64_t got[MOST + 2 * RANGES] = {0};
        words.run(got, NULL, NULL, NULL, NULL, columns, number, 0);
        right = unit_is_right(s, number, got, columns);
    }
    free(columns);
    words_close(&words);
    return right;
}

static void units_are_taken_apart_as_the_grid_says(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(11, 400, 24, walk_is_right), 0);
}

/* ---- Sets of widths ---- */

static void widths_are_kept_once_widest_first(void **state)
{
    (void)state;
    struct tile_widths widths = {0};
    static const int64_t added[] = {3, 7, 0, 3, 9, 7, 1, -2, 8}, want[] = {9, 8, 7, 3, 1};
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        widths_add(&widths, added[i]);
    assert_int_equal(widths.count, 5);
    assert_memory_equal(widths.width, want, sizeof want);
}

static bool widths_are_few(const struct sample *s)
{
    struct tile_widths widths = plan_tile_widths(s->plan);
    bool right = widths.count >= 1 && widths.count <= MAX_WIDTHS;
    for (int i = 0; i < widths.count && i < MAX_WIDTHS; i++)
        right = right && widths.width[i] >= 1 && (i == 0 || widths.width[i] < widths.width[i - 1]);
    return right || sample_wrong(s, "%d widths of tiles", widths.count);
}

static void widths_of_a_plan_are_few(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(12, 2000, 60, widths_are_few), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_taken_apart_as_the_grid_says),
        cmocka_unit_test(widths_are_kept_once_widest_first),
        cmocka_unit_test(widths_of_a_plan_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
