/* Weights are transformed once, in double precision, so that only their last rounding adds to the error.
 *
 * Each input channel of a plane is transformed for a few output channels at once and goes to its points whole
 * lines at a time: packed weights are many times as large as plain ones, so writing them is what should bind.
 */
#include "winograd.h"

#include "arith.h"
#include "pack.h"

#include <string.h>

/* Output channels that are transformed together: a line of f32. */
enum { TOGETHER = 16 };

struct lanes {
    double of[TOGETHER];
};

struct pack_filters {
    const struct plan *plan;
    struct plain plain;
    struct winograd h, w;
    struct winograd_weights weights;
    int64_t parts[2]; /* along H and W */
    int64_t block;
    const char *from;
};

/* One plane of one input channel: the element offsets of its taps for output channel 0, -1 behind the last. */
struct plane {
    int64_t tap[WINOGRAD_MOST][WINOGRAD_MOST];
};

static struct plane plane_of(const struct pack_filters *p, int64_t number)
{
    const struct phase_axis *axis = p->plain.phase.axis, *h = &axis[AXIS_H], *w = &axis[AXIS_W];
    int64_t part_w = number % p->parts[1], part_h = number / p->parts[1] % p->parts[0],
            depth = number / (p->parts[1] * p->parts[0]);
    int64_t d = (axis[AXIS_D].k0 + depth * axis[AXIS_D].k_step) * p->plain.step[PACK_D];
    struct plane plane = {0};
    for (int i = 0; i < p->h.taps; i++)
        for (int j = 0; j < p->w.taps; j++) {
            int64_t row = part_h + i * h->in_step, col = part_w + j * w->in_step;
            bool exists = depth < axis[AXIS_D].taps && row < h->taps && col < w->taps;
            plane.tap[i][j] = !exists ? -1
                                      : d + (h->k0 + row * h->k_step) * p->plain.step[PACK_H] +
                                            (w->k0 + col * w->k_step) * p->plain.step[PACK_W];
        }
    return plane;
}

/* Output channels that are transformed together, from the first one's first weight on; their room in the block,
 * which the last ones do not fill. */
struct channels {
    const char *from;
    int64_t count, room;
};

/* One tap, as plane_of gives it; zeros behind the last channel, or where there is no such tap. */
static void load(const struct pack_filters *p, const struct channels *from, int64_t tap, struct lanes *to)
{
    int64_t step = p->plain.step[PACK_OC] * p->plain.element, count = tap < 0 ? 0 : from->count;
    const char *at = from->from + max64(tap, 0) * p->plain.element;
    if (p->plain.element == sizeof(double))
        for (int64_t l = 0; l < count; l++)
            memcpy(&to->of[l], at + l * step, sizeof(double));
    else
        for (int64_t l = 0; l < count; l++) {
            float single;
            memcpy(&single, at + l * step, sizeof single);
            to->of[l] = single;
        }
    for (int64_t l = count; l < TOGETHER; l++)
        to->of[l] = 0;
}

/* Copies of known size are a few instructions, others a loop in microcode. */
static void store(const struct pack_filters *p, const struct lanes *from, int64_t count, char *to)
{
    if (p->plain.element == sizeof(double)) {
        for (int64_t l = 0; l < count; l++)
            memcpy(to + l * (int64_t)sizeof(double), &from->of[l], sizeof(double));
        return;
    }
    float single[TOGETHER];
    for (int l = 0; l < TOGETHER; l++)
        single[l] = (float)from->of[l];
    if (count == TOGETHER) {
        memcpy(to, single, sizeof single);
        return;
    }
    for (int64_t l = 0; l < count; l++)
        memcpy(to + l * (int64_t)sizeof(float), &single[l], sizeof(float));
}

/* to = factor * from, and to += factor * from. */
static void scale(struct lanes *to, double factor, const struct lanes *from)
{
    for (int l = 0; l < TOGETHER; l++)
        to->of[l] = factor * from->of[l];
}

static void add_scaled(struct lanes *to, double factor, const struct lanes *from)
{
    for (int l = 0; l < TOGETHER; l++)
        to->of[l] += factor * from->of[l];
}

/* The sum and the difference of the even and the odd taps' parts. */
static void put_pair(struct lanes *sum, struct lanes *difference, const struct lanes *even,
                     const struct lanes *odd)
{
    for (int l = 0; l < TOGETHER; l++) {
        sum->of[l] = even->of[l] + odd->of[l];
        difference->of[l] = even->of[l] - odd->of[l];
    }
}

/* to = G from, with `step` from one to the next: at point 0 only the first tap counts, at infinity the last
 * one, and the points of a pair differ by the sign of their odd taps. */
static void evaluate(const struct winograd *w, const struct lanes *from, struct lanes *to, int step)
{
    scale(&to[0], w->weight[0][0], &from[0]);
    for (int i = 1; i < w->alpha - 1; i += 2) {
        struct lanes even, odd;
        scale(&even, w->weight[i][0], &from[0]);
        scale(&odd, w->weight[i][1], &from[1]);
        for (int k = 2; k < w->taps; k++)
            add_scaled(k % 2 ? &odd : &even, w->weight[i][k], &from[k]);
        put_pair(&to[i * step], &to[(i + 1) * step], &even, &odd);
    }
    if (w->alpha > 1)
        to[(w->alpha - 1) * step] = from[w->taps - 1];
}

/* G g G^T of some channels of the plane; `to` is their place of point 0. */
static void pack_channels(const struct pack_filters *p, const struct plane *plane, const struct channels *from,
                          char *to)
{
    struct lanes half[WINOGRAD_MOST][WINOGRAD_MOST]; /* [point along H][column] */
    for (int j = 0; j < p->w.taps; j++) {
        struct lanes column[WINOGRAD_MOST] = {{{0}}};
        for (int i = 0; i < p->h.taps; i++)
            load(p, from, plane->tap[i][j], &column[i]);
        evaluate(&p->h, column, &half[0][j], WINOGRAD_MOST);
    }
    int64_t point = p->weights.point * p->plain.element;
    for (int i = 0; i < p->h.alpha; i++) {
        struct lanes points[WINOGRAD_MOST];
        evaluate(&p->w, half[i], points, 1);
        for (int j = 0; j < p->w.alpha; j++, to += point)
            store(p, &points[j], from->room, to);
    }
}

/* One plane of a block of output channels that begins at `from`. */
static void pack_plane(const struct pack_filters *p, const struct plane *plane, const char *from,
                       int64_t channels, char *to)
{
    const struct plain *plain = &p->plain;
    int64_t ic_step = plain->step[PACK_IC] * plain->element, oc_step = plain->step[PACK_OC] * plain->element;
    for (int64_t ic = 0; ic < plain->limit[PACK_IC]; ic++, from += ic_step)
        for (int64_t first = 0; first < p->block; first += TOGETHER) {
            struct channels some = {.count = clamp64(channels - first, 0, TOGETHER),
                                    .room = min64(p->block - first, TOGETHER)};
            some.from = some.count ? from + first * oc_step : from;
            pack_channels(p, plane, &some, to);
            to += some.room * plain->element;
        }
}

static void pack_group(const struct pack_filters *p, const char *from, char *to)
{
    const struct plain *plain = &p->plain;
    int64_t planes = winograd_planes(&p->plan->conv), channels = plain->limit[PACK_OC];
    int64_t block = p->weights.block * plain->element;
    for (int64_t i = 0; i < planes; i++) {
        struct plane plane = plane_of(p, i);
        for (int64_t first = 0; first < channels; first += p->block)
            pack_plane(p, &plane, from + first * plain->step[PACK_OC] * plain->element, channels - first,
                       to + first / p->block * block + i * (block / planes));
    }
}

void winograd_pack(const struct plan *plan, const void *weight, void *packed)
{
    const struct conv *conv = &plan->conv;
    struct winograd_axis h = winograd_axis(conv, AXIS_H), w = winograd_axis(conv, AXIS_W);
    struct pack_filters p = {.plan = plan,
                             .plain = pack_plain(conv),
                             .h = winograd_matrices(plan->wino_rows, h.taps),
                             .w = winograd_matrices(plan->wino_cols, w.taps),
                             .weights = winograd_weights(plan),
                             .parts = {h.parts, w.parts},
                             .block = plan->tile_vecs * plan->lanes};
    int64_t element = p.plain.element, from = p.plain.step[PACK_GROUP] * element,
            to = p.weights.group * element;
    for (int64_t phase = 0; phase < conv_phases(conv); phase++) {
        p.plain.phase = conv_phase(conv, phase);
        for (int64_t group = 0; group < conv->groups; group++)
            pack_group(&p, (const char *)weight + group * from,
                       (char *)packed + (phase * conv->groups + group) * to);
    }
    int64_t bytes = p.weights.elements * element;
    memset((char *)packed + bytes, 0, (size_t)(plan->packed_bytes - bytes));
}
