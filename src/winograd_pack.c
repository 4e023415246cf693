/* Weights are transformed once, in double precision, so that only their last rounding adds to the error. */
#include "winograd.h"

#include "arith.h"
#include "pack.h"

#include <assert.h>
#include <string.h>

/* A block of output channels is transformed together. */
enum { MOST_BLOCK = 64 };

/* One plane of taps of the kernel, [h][w][lane], and on its way to points. */
struct filter {
    double at[WINOGRAD_MOST][WINOGRAD_MOST][MOST_BLOCK];
};

/* g, G g, G g G^T. */
struct steps {
    struct filter filter, half, points;
};

struct pack_filters {
    const struct plan *plan;
    struct plain plain;
    struct winograd h, w;
    int block;
    const char *from;
};

static double load(const struct pack_filters *p, int64_t index)
{
    float single;
    double value;
    if (p->plain.element == sizeof single) {
        memcpy(&single, p->from + index * p->plain.element, sizeof single);
        return single;
    }
    memcpy(&value, p->from + index * p->plain.element, sizeof value);
    return value;
}

static void store(const struct pack_filters *p, char *to, const double *value)
{
    if (p->plain.element == sizeof(double)) {
        memcpy(to, value, (size_t)p->block * sizeof *value);
        return;
    }
    float single[MOST_BLOCK] = {0};
    for (int l = 0; l < p->block; l++)
        single[l] = (float)value[l];
    memcpy(to, single, (size_t)p->block * sizeof *single);
}

/* One plane of one input channel: the element offset of output channel 0 of the block and tap 0; the part along
 * H and W. */
struct plane {
    int64_t origin, part[2];
    int channels;
};

/* The taps of the plane; those behind the kernel's last are zero. */
static void gather(const struct pack_filters *p, const struct plane *plane, struct filter *filter)
{
    const struct phase_axis *h = &p->plain.phase.axis[AXIS_H], *w = &p->plain.phase.axis[AXIS_W];
    for (int i = 0; i < p->h.taps; i++)
        for (int j = 0; j < p->w.taps; j++) {
            int64_t row = plane->part[0] + i * h->in_step, col = plane->part[1] + j * w->in_step;
            int64_t at = plane->origin + (h->k0 + row * h->k_step) * p->plain.step[PACK_H] +
                         (w->k0 + col * w->k_step) * p->plain.step[PACK_W];
            int channels = row < h->taps && col < w->taps ? plane->channels : 0;
            double *lanes = filter->at[i][j];
            for (int l = 0; l < p->block; l++)
                lanes[l] = l < channels ? load(p, at + l * p->plain.step[PACK_OC]) : 0;
        }
}

/* to = sum over k of row[k] * from[k], for each lane. */
static void combine(const struct pack_filters *p, double *to, const double *row, const double *const *from,
                    int count)
{
    for (int l = 0; l < p->block; l++)
        to[l] = 0;
    for (int k = 0; k < count; k++)
        for (int l = 0; l < p->block; l++)
            to[l] += row[k] * from[k][l];
}

/* G g G^T. */
static void transform(const struct pack_filters *p, struct steps *steps)
{
    for (int i = 0; i < p->h.alpha; i++)
        for (int j = 0; j < p->w.taps; j++) {
            const double *from[WINOGRAD_MOST];
            for (int k = 0; k < p->h.taps; k++)
                from[k] = steps->filter.at[k][j];
            combine(p, steps->half.at[i][j], p->h.weight[i], from, p->h.taps);
        }
    for (int i = 0; i < p->h.alpha; i++)
        for (int j = 0; j < p->w.alpha; j++) {
            const double *from[WINOGRAD_MOST];
            for (int k = 0; k < p->w.taps; k++)
                from[k] = steps->half.at[i][k];
            combine(p, steps->points.at[i][j], p->w.weight[j], from, p->w.taps);
        }
}

/* All points of a plane's input channel; `to` is its place of point 0. */
static void pack_plane(const struct pack_filters *p, const struct plane *plane, struct steps *steps, char *to)
{
    gather(p, plane, &steps->filter);
    transform(p, steps);
    int64_t point = winograd_weights(p->plan).point * p->plain.element;
    for (int i = 0; i < p->h.alpha; i++)
        for (int j = 0; j < p->w.alpha; j++)
            store(p, to + (i * p->w.alpha + j) * point, steps->points.at[i][j]);
}

/* All planes of one block of one group from output channel `first` on. */
static void pack_block(const struct pack_filters *p, int64_t group, int64_t first, char *to)
{
    const struct plain *plain = &p->plain;
    const struct phase_axis *d = &plain->phase.axis[AXIS_D];
    int64_t ics = plain->limit[PACK_IC], h = winograd_axis(&p->plan->conv, AXIS_H).parts,
            w = winograd_axis(&p->plan->conv, AXIS_W).parts;
    struct steps steps = {0};
    struct plane plane = {.channels = (int)min64(p->block, plain->limit[PACK_OC] - first)};
    for (int64_t i = 0; i < d->taps * h * w; i++)
        for (int64_t ic = 0; ic < ics; ic++) {
            plane.part[0] = i / w % h;
            plane.part[1] = i % w;
            plane.origin = group * plain->step[PACK_GROUP] + first * plain->step[PACK_OC] +
                           ic * plain->step[PACK_IC] + (d->k0 + i / (h * w) * d->k_step) * plain->step[PACK_D];
            pack_plane(p, &plane, &steps, to + (i * ics + ic) * p->block * plain->element);
        }
}

static void pack_group(const struct pack_filters *p, int64_t group, char *to)
{
    int64_t block = winograd_weights(p->plan).block * p->plain.element;
    for (int64_t first = 0; first < p->plain.limit[PACK_OC]; first += p->block, to += block)
        pack_block(p, group, first, to);
}

void winograd_pack(const struct plan *plan, const void *weight, void *packed)
{
    const struct conv *conv = &plan->conv;
    struct pack_filters p = {.plan = plan, .plain = pack_plain(conv), .from = weight};
    p.h = winograd_matrices(plan->wino_rows, winograd_axis(conv, AXIS_H).taps);
    p.w = winograd_matrices(plan->wino_cols, winograd_axis(conv, AXIS_W).taps);
    p.block = (int)(plan->tile_vecs * plan->lanes);
    assert(p.block <= MOST_BLOCK);
    struct winograd_weights w = winograd_weights(plan);
    /* Planes that only other phases have, and what rounds the size up, stay zero. */
    memset(packed, 0, (size_t)plan->packed_bytes);
    for (int64_t phase = 0; phase < conv_phases(conv); phase++) {
        p.plain.phase = conv_phase(conv, phase);
        for (int64_t group = 0; group < conv->groups; group++)
            pack_group(&p, group, (char *)packed + (phase * w.phase + group * w.group) * p.plain.element);
    }
}
