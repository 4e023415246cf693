/* Where a unit reads its input: for each output and tap the element that the convolution's definition names,
 * with its padding, in place or in the band; zeros where a tile reaches over the edge of the output. Planes and
 * rows of zeros that unit_taps leaves out are not looked at. */
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
    struct point p = {.out = {m->unit.depth, 0, 0}};
    for (p.channel = 0; p.channel < channels; p.channel += 1 + channels / 5)
        for (p.out[1] = m->unit.row[0]; p.out[1] < m->unit.row[1]; p.out[1]++)
            for (p.out[2] = col0; p.out[2] < col1; p.out[2]++)
                if (!taps_are_right(m, &p))
                    return false;
    return true;
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
        if (!unit_is_right(m))
            return sample_wrong(m->sample, "in unit %lld", (long long)number);
    }
    return guard_intact(&m->scratch) || sample_wrong(m->sample, "writes beside the scratch");
}

/* `separable` reads by the plan of its first stage, and `reference` by itself. */
static bool reads(const struct plan *plan)
{
    return plan->algo != ALGO_separable && plan->algo != ALGO_reference &&
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

static int shape_faults(const char *shape, cj_isa isa)
{
    cj_conv_desc desc;
    struct conv conv;
    int64_t batch;
    if (text_parse_shape(shape, &desc, &batch) != CJ_OK || conv_from_desc(&desc, &conv) != CJ_OK)
        fail_msg("%s: %s", shape, cj_last_error());
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
        cmocka_unit_test(padding_maps_coordinates_into_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
