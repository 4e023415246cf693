/* Where a unit reads its input: for each output and tap the element that the convolution's definition names,
 * with its padding, in place or in the band. Planes of zeros, and rows of zeros that bands do not hold, are not
 * looked at: unit_taps leaves them out. Of bands that tiles reach over, every element is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/band.h"
#include "../src/text.h"
#include "support/guard.h"
#include "words/trials.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 2, MOST_TAPS = 64 };

/* What emission knows of a source. */
struct seen {
    struct source source;
    int64_t col_tap[MOST_TAPS];
};

/* dst[0] and dst[1]: bytes from src and from scratch to the source's base. */
static void emit_source(struct em *em, const struct plan *plan, const void *arg)
{
    struct seen *seen = *(struct seen *const *)arg;
    struct unit unit = unit_open(em, plan, em_first_unit(em));
    seen->source = unit_source(em, &unit);
    em_ptr dst = em_argument(em, EM_DST), base = seen->source.base;
    words_store_int(em, dst, em_i(em, 0), words_distance(em, em_argument(em, EM_SRC), base));
    words_store_int(em, dst, em_i(em, 1), words_distance(em, em_argument(em, EM_SCRATCH), base));
    for (int64_t t = 0; t < MOST_TAPS; t++)
        assert_true(em_known(source_col_tap(em, &seen->source, em_i(em, t)), &seen->col_tap[t]));
}

/* ---- The definition ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Input element that stands at `at` of an axis; -1: zero. */
static int64_t padded(int64_t mode, int64_t at, int64_t size)
{
    bool inside = at >= 0 && at < size;
    switch (mode) {
    case CJ_PAD_REFLECT:
        return at < 0 ? -at : inside ? at : 2 * (size - 1) - at;
    case CJ_PAD_REPLICATE:
        return at < 0 ? 0 : inside ? at : size - 1;
    case CJ_PAD_CIRCULAR:
        return (at + size) % size;
    default:
        return inside ? at : -1;
    }
}

/* An element's value by its place: exact in f32, and hardly ever the same as a neighbour's. */
static double value_at(int64_t place)
{
    return (double)(place * 2654435761 % 16000057 + 1);
}

/* ---- Memory ---- */

struct memory {
    const struct sample *sample;
    const struct seen *seen;
    struct guarded src, scratch;
    const char *base; /* of the unit that is looked at */
    struct plain_unit unit;
    int64_t first_channel;
};

static struct memory open_memory(const struct sample *s, const struct seen *seen)
{
    cj_dtype dtype = (cj_dtype)s->plan->conv.dtype;
    size_t element = (size_t)dtype_bytes(dtype);
    int64_t count = conv_src_extent(&s->plan->conv) + (BATCH - 1) * s->plan->conv.src.n;
    struct memory m = {.sample = s, .seen = seen};
    enum guard_side side = (enum guard_side)(count % GUARD_SIDES);
    m.src = guard_new((size_t)count * element, element, side);
    m.scratch = guard_new((size_t)s->plan->scratch_bytes, 64, side == GUARD_FRONT ? GUARD_FRONT : GUARD_BEHIND);
    for (int64_t i = 0; i < count; i++)
        element_put(dtype, m.src.data, i, value_at(i));
    guard_seal(&m.src);
    return m;
}

/* One output's coordinates and one tap's, and a channel counted from the unit's first. */
struct point {
    int64_t channel, out[AXES], tap[AXES];
};

/* Elements to a channel: blocks of channels are walked, the channels in each are side by side. */
static int64_t channel_at(const struct strides *strides, int64_t channel)
{
    int64_t offset = 0;
    if (!strides->block)
        return channel * strides->c;
    for (; channel >= strides->block; channel -= strides->block)
        offset += strides->block_step;
    return offset + channel;
}

/* False where nothing is to be read: in planes of zeros, in rows of zeros that are no part of the band, and
 * beside the input where there is no band. */
static bool wanted(const struct memory *m, const struct point *p, double *value)
{
    const struct conv *conv = &m->sample->plan->conv;
    int64_t place = m->unit.image * conv->src.n + channel_at(&conv->src, m->first_channel + p->channel);
    *value = 0;
    bool zero = false;
    for (int a = 0; a < AXES; a++) {
        const struct phase_axis *phase = &m->unit.phase.axis[a];
        int64_t at = p->out[a] * phase->in_step + phase->off0 + p->tap[a] * phase->off_step;
        int64_t last = (phase->outs - 1) * phase->in_step + phase->off0 + (phase->taps - 1) * phase->off_step;
        int64_t from = at > last ? -1 : padded(conv->pad_mode, at, conv->axis[a].in);
        bool filled =
            a == AXIS_W ||
            (a == AXIS_H && (grid_fills_padded_rows(m->sample->plan) || grid_rows_in_band(m->sample->plan)));
        if (from < 0 && !(filled && m->sample->plan->band))
            return false;
        zero = zero || from < 0;
        place += from * conv->src.axis[a];
    }
    *value = zero ? 0 : value_at(place);
    return true;
}

static double read_at(const struct memory *m, const struct point *p)
{
    const struct source *source = &m->seen->source;
    int64_t from[AXES] = {m->unit.depth, m->unit.row[0],
                          plain_tile_col(m->sample->plan, &m->unit.phase, m->unit.tile[0])};
    struct strides channels = {.c = source->channel, .block = source->block, .block_step = source->block_step};
    int64_t offset = channel_at(&channels, p->channel) + m->seen->col_tap[p->tap[AXIS_W]];
    for (int a = 0; a < AXES; a++)
        offset += (p->out[a] - from[a]) * source->out[a] + (a == AXIS_W ? 0 : p->tap[a] * source->tap[a]);
    return element_get((cj_dtype)m->sample->plan->conv.dtype, m->base, offset);
}

static bool point_is_right(const struct memory *m, const struct point *p)
{
    double want, got;
    if (!wanted(m, p, &want))
        return true;
    got = read_at(m, p);
    return got == want ||
           sample_wrong(m->sample,
                        "output (%lld, %lld, %lld), tap (%lld, %lld, %lld), channel %lld: %g, should be %g",
                        (long long)p->out[0], (long long)p->out[1], (long long)p->out[2], (long long)p->tap[0],
                        (long long)p->tap[1], (long long)p->tap[2], (long long)p->channel, got, want);
}

static bool taps_are_right(const struct memory *m, struct point *p)
{
    const struct phase_axis *axis = m->unit.phase.axis;
    for (p->tap[0] = 0; p->tap[0] < axis[0].taps; p->tap[0]++)
        for (p->tap[1] = 0; p->tap[1] < axis[1].taps; p->tap[1]++)
            for (p->tap[2] = 0; p->tap[2] < axis[2].taps; p->tap[2]++)
                if (!point_is_right(m, p))
                    return false;
    return true;
}

/* The channels that the unit reads: of its group, or of its blocks of groups. */
static int64_t unit_channels(const struct plan *plan, const struct plain_unit *unit, int64_t *first)
{
    const struct conv *conv = &plan->conv;
    int64_t block = grid_channels(plan).block * (conv->ic / conv->groups), end = unit->block[1] * block;
    if (grid_lanes_cross_groups(plan)) {
        *first = unit->block[0] * block;
        return (end < conv->ic ? end : conv->ic) - *first;
    }
    *first = unit->group * (conv->ic / conv->groups);
    return conv->ic / conv->groups;
}

static bool unit_is_right(struct memory *m)
{
    const struct plan *plan = m->sample->plan;
    int64_t channels = unit_channels(plan, &m->unit, &m->first_channel);
    int64_t col0 = plain_tile_col(plan, &m->unit.phase, m->unit.tile[0]);
    int64_t col1 = plain_tile_col(plan, &m->unit.phase, m->unit.tile[1]);
    /* Numbers of tiles that reach over the edge name no output. */
    int64_t row1 = least(m->unit.row[1], m->unit.phase.axis[AXIS_H].outs);
    col1 = least(col1, m->unit.phase.axis[AXIS_W].outs);
    struct point p = {.out = {m->unit.depth, 0, 0}};
    for (p.channel = 0; p.channel < channels; p.channel += 1 + channels / 5)
        for (p.out[1] = m->unit.row[0]; p.out[1] < row1; p.out[1]++)
            for (p.out[2] = col0; p.out[2] < col1; p.out[2]++)
                if (!taps_are_right(m, &p))
                    return false;
    return true;
}

/* ---- Bands that hold all rows and columns of their windows ---- */

/* Element `at` of the window: whether an output of the unit needs it or one behind it, and its input's index
 * along the axis, -1 for a zero of the padding. */
static bool is_needed(const struct memory *m, int axis, int64_t at, int64_t *from)
{
    const struct plan *plan = m->sample->plan;
    const struct phase_axis *p = &m->unit.phase.axis[axis];
    int64_t ranges[AXES][2] = {{m->unit.depth, m->unit.depth + 1}, {m->unit.row[0], m->unit.row[1]}};
    for (int i = 0; i < 2; i++)
        ranges[AXIS_W][i] = plain_tile_col(plan, &m->unit.phase, m->unit.tile[i]);
    int64_t last = least(ranges[axis][1], p->outs) - 1, first = ranges[axis][0];
    int64_t reach = (last - first) * p->in_step + (p->taps - 1) * p->off_step;
    int64_t offset = at * grid_window(plan).step[axis];
    *from = padded(plan->conv.pad_mode, first * p->in_step + p->off0 + offset, plan->conv.axis[axis].in);
    return p->taps > 0 && last >= first && offset <= reach;
}

/* One element of the band: the input's, or zero where no output needs it. Behind what a phase of a transposed
 * convolution needs the input may go on, since the largest phase decides how far. */
static bool element_is_right(const struct memory *m, const int64_t at[AXES], int64_t channel)
{
    const struct conv *conv = &m->sample->plan->conv;
    struct band band = grid_band(m->sample->plan);
    int64_t place = m->unit.image * conv->src.n + channel_at(&conv->src, m->first_channel + channel),
            offset = channel * band.channel;
    bool needed = true, zero = false;
    for (int a = 0; a < AXES; a++) {
        int64_t from = 0;
        needed = is_needed(m, a, at[a], &from) && needed;
        zero = zero || from < 0;
        place += from * conv->src.axis[a];
        offset += at[a] * band.axis[a];
    }
    double input = zero ? 0 : value_at(place), got = element_get((cj_dtype)conv->dtype, m->base, offset);
    if (needed ? got == input : got == 0 || (conv->op == CJ_CONV_TRANSPOSE && got == input))
        return true;
    return sample_wrong(m->sample, "plane %lld, row %lld, column %lld, channel %lld of the band: %g, not %g",
                        (long long)at[0], (long long)at[1], (long long)at[2], (long long)channel, got,
                        needed ? input : 0);
}

/* Planes that lie wholly in zeros are left out of the sum. */
static bool plane_is_read(const struct memory *m, int64_t plane)
{
    const struct phase_axis *p = &m->unit.phase.axis[AXIS_D];
    int64_t at = m->unit.depth * p->in_step + p->off0 + plane * p->off_step;
    return plane < p->taps &&
           padded(m->sample->plan->conv.pad_mode, at, m->sample->plan->conv.axis[AXIS_D].in) >= 0;
}

static bool band_is_full(const struct memory *m)
{
    struct window window = grid_window(m->sample->plan);
    int64_t channels = grid_band(m->sample->plan).channels, at[AXES];
    for (at[0] = 0; at[0] < window.count[0]; at[0]++)
        for (at[1] = 0; at[1] < window.count[1] && plane_is_read(m, at[0]); at[1]++)
            for (at[2] = 0; at[2] < window.count[2]; at[2]++)
                for (int64_t c = 0; c < channels; c += 1 + channels / 5)
                    if (!element_is_right(m, at, c))
                        return false;
    return true;
}

static bool holds_all(const struct plan *plan)
{
    return plan->band && grid_fills_padded_rows(plan);
}

static bool units_are_right(struct memory *m, kernel_fn *run)
{
    int64_t units = BATCH * m->sample->plan->units, distance[2];
    for (int64_t number = 0; number < units; number = units_next(number, units)) {
        memset(m->scratch.data, 0xff, m->scratch.bytes);
        run(distance, m->src.data, NULL, NULL, NULL, m->scratch.data, number, 0);
        m->base = m->sample->plan->band ? (const char *)m->scratch.data + distance[1]
                                        : (const char *)m->src.data + distance[0];
        m->unit = plain_unit(m->sample->plan, number);
        bool exists = m->unit.row[0] < m->unit.row[1] && m->unit.tile[0] < m->unit.tile[1];
        if (!unit_is_right(m) || (exists && holds_all(m->sample->plan) && !band_is_full(m)))
            return sample_wrong(m->sample, "in unit %lld", (long long)number);
    }
    return guard_intact(&m->scratch) || sample_wrong(m->sample, "writes beside the scratch");
}

/* Separable ones read by the plan of their first stage, and `reference` by itself. */
static bool reads(const struct plan *plan)
{
    return plan->conv.op != CJ_SEPARABLE && plan->algo != ALGO_reference &&
           conv_most_taps(&plan->conv, AXIS_W) <= MOST_TAPS;
}

static bool source_is_right(const struct sample *s)
{
    struct seen seen, *arg = &seen;
    struct words_kernel words = words_open_plan(s->plan, emit_source, &arg);
    struct memory memory = open_memory(s, &seen);
    guard_announce(sample_shape(s->desc));
    bool right = units_are_right(&memory, words.run);
    guard_free(&memory.src);
    guard_free(&memory.scratch);
    words_close(&words);
    return right;
}

static bool sampled_source_is_right(const struct sample *s)
{
    return !reads(s->plan) || !units_chosen(s->plan, 12) || source_is_right(s);
}

static void inputs_are_where_the_source_says(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(21, 400, 20, sampled_source_is_right), 0);
}

/* Strides that split the columns of a band, with padding wider than the stride; every mode, both layouts. */
static const char *const shapes[] = {
    "conv2d:n1:c3:o5:i17x19:k5:s2:p4",
    "conv2d:n1:c6:o4:i9x40:k7:s3:p6:pmreflect",
    "conv2d:n1:c6:o4:i9x40:k7:s3:p6:pmreplicate:lnhwc",
    "conv2d:n1:c2:o8:i8x33:k3x5:s2:p8:pmcircular",
    "conv2d:n1:c2:o8:i8x33:k3x5:s2x4:d2:p4~0x9~7",
    "conv1d:n1:c4:o4:i100:k9:s4:p13~2",
    "conv1d:n1:c5:o3:i64:k4:s3:d3:p11:linhwc",
    "conv3d:n1:c2:o3:i4x5x21:k3:s2:p2:pmcircular",
    "depthwise_conv2d:n1:c20:i9x31:k5:s2:p4:pmreflect",
    "depthwise_conv2d:n1:c20:i9x31:k5:s2:p4:lnhwc",
    "depthwise_conv1d:n1:c7:i50:k31:s3:p15",
    "conv_transpose2d:n1:c4:o6:i5x9:k5:s3x2:p2:d2",
    "conv2d:n1:c40:o6:i7x9:k3:p1:lnchw16c",
    "conv2d:n1:c40:o6:i7x9:k3:s2:p3:pmreflect:lnchw8c",
    "conv2d:n1:c42:o6:g6:i7x9:k3:p1:lnchw16c",
    "depthwise_conv2d:n1:c100:i9x31:k5:s2:p4:lnchw8c",
    "depthwise_conv2d:n1:c70:i9x9:k3:lnchw32c",
};

static struct conv conv_of(const char *shape, cj_conv_desc *desc)
{
    struct conv conv;
    int64_t batch;
    if (text_parse_shape(shape, desc, &batch) != CJ_OK)
        fail_msg("%s: %s", shape, cj_last_error());
    if (conv_from_desc(desc, &conv) != CJ_OK)
        fail_msg("%s: %s", shape, cj_last_error());
    return conv;
}

static int shape_faults(const char *shape, cj_isa isa)
{
    cj_conv_desc desc;
    struct conv conv = conv_of(shape, &desc);
    struct target target = target_preset(isa);
    int wrong = 0;
    for (int id = 0; id < ALGOS; id++) {
        struct verdict verdict;
        plan_consider(&conv, &target, (enum algo_id)id, &verdict);
        struct sample sample = {&desc, &target, &verdict.plan};
        if (!verdict.declined && reads(&verdict.plan) && units_chosen(&verdict.plan, 1))
            wrong += !source_is_right(&sample);
    }
    return wrong;
}

static void strided_and_padded_columns_are_found(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int isa = CJ_ISA_SSE2; isa <= CJ_ISA_AVX512; isa++)
            wrong += shape_faults(shapes[i], (cj_isa)isa);
    assert_int_equal(wrong, 0);
}

/* Tiles that reach over every edge, with each padding: strides, parts of several lengths, dilation, phases. */
static const char *const tiled[] = {
    "conv2d:n1:c3:o5:i17x19:k3:p1",
    "conv2d:n1:c5:o4:i9x23:k3:p2:pmreflect",
    "conv2d:n1:c5:o4:i9x23:k5x3:p4x1:pmreplicate:lnhwc",
    "conv2d:n1:c4:o8:i8x13:k3:p3:pmcircular",
    "conv2d:n1:c4:o8:i21x13:k3:s2:p1:pmcircular",
    "conv2d:n1:c4:o8:i21x13:k4x5:s3x2:p2~1x0~3",
    "conv2d:n1:c4:o8:i13x14:k3:d2:p2:pmreflect",
    "conv2d:n1:c4:o8:i13x14:k3:d3x2:p4:tf64",
    "conv1d:n1:c4:o4:i50:k7:s4:p6:pmreplicate",
    "conv1d:n1:c4:o4:i50:k3:p9~2",
    "conv2d:n1:c4:o4:i3x40:k2x3:s2x1:p1x1",
    "conv3d:n1:c2:o3:i4x7x9:k3:p1:g1",
    "conv3d:n1:c2:o3:i4x7x9:k3:p2:d2x1x1:pmreplicate",
    "conv_transpose2d:n1:c4:o6:i5x9:k5:s2:p2",
    "conv_transpose2d:n1:c4:o6:i7x9:k4x3:s2x1:d1x2:p1:lnhwc",
    "conv_transpose2d:n1:c4:o6:i7x9:k3:d2:p1",
};

/* Every so many-th plan that Winograd offers. */
struct offers {
    struct sample sample;
    int seen, wrong;
};

static void check_offer(void *sink, const struct plan *plan)
{
    struct offers *offers = sink;
    offers->sample.plan = plan;
    offers->wrong += units_chosen(plan, 4) && !source_is_right(&offers->sample);
    offers->seen++;
}

static void bands_of_tiles_that_reach_over_the_edge_are_full(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof tiled / sizeof tiled[0]; i++)
        for (int isa = CJ_ISA_SSE2; isa <= CJ_ISA_AVX512; isa++) {
            cj_conv_desc desc;
            struct conv conv = conv_of(tiled[i], &desc);
            struct target target = target_preset((cj_isa)isa);
            const char *reason = algo_row(ALGO_winograd)->accepts(&conv, &target);
            if (reason)
                fail_msg("%s: it %s", tiled[i], reason);
            struct plan base = {.conv = conv, .isa = isa, .algo = ALGO_winograd};
            struct offers offers = {.sample = {&desc, &target, NULL}};
            algo_row(ALGO_winograd)->candidates(&base, &target, &(struct candidates){check_offer, &offers});
            assert_true(offers.seen > 0);
            wrong += offers.wrong;
        }
    assert_int_equal(wrong, 0);
}

/* ---- Padding modes ---- */

struct pad_case {
    int64_t mode, size;
};

static void emit_pad(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct pad_case *c = arg;
    words_store_int(em, em_argument(em, EM_DST), em_i(em, 0), pad_map(em, c->mode, em_first_unit(em), c->size));
}

/* As far as CJ_PAD_* may reach: less than the input for reflect, the input for circular, any for replicate. */
static void check_pad(const struct pad_case *c)
{
    struct plan plan = words_plan(&(struct words){CJ_ISA_SSE2, CJ_F32, 1});
    struct words_kernel words = words_open_plan(&plan, emit_pad, c);
    int64_t reach = c->mode == CJ_PAD_REFLECT    ? c->size - 1
                    : c->mode == CJ_PAD_CIRCULAR ? c->size
                                                 : 3 * c->size;
    for (int64_t at = -reach; at < c->size + reach; at++) {
        int64_t got;
        words.run(&got, NULL, NULL, NULL, NULL, NULL, at, 0);
        assert_int_equal(got, c->mode == CJ_PAD_ZEROS ? at : padded(c->mode, at, c->size));
    }
    words_close(&words);
}

static void padding_maps_coordinates_into_the_input(void **state)
{
    (void)state;
    for (int64_t mode = CJ_PAD_ZEROS; mode <= CJ_PAD_CIRCULAR; mode++)
        for (int64_t size = 1; size < 7; size++)
            check_pad(&(struct pad_case){mode, size});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_are_where_the_source_says),
        cmocka_unit_test(strided_and_padded_columns_are_found),
        cmocka_unit_test(bands_of_tiles_that_reach_over_the_edge_are_full),
        cmocka_unit_test(padding_maps_coordinates_into_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
