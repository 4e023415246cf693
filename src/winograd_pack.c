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
    float single[MOST_BLOCK];
    for (int l = 0; l < p->block; l++)
        single[l] = (float)value[l];
    memcpy(to, single, (size_t)p->block * sizeof *single);
}

/* Element offset of output channel 0 of the block, tap (0, 0), and the taps of the plane. */
static void gather(const struct pack_filters *p, int64_t origin, int channels, struct filter *filter)
{
    const struct phase_axis *h = &p->plain.phase.axis[AXIS_H], *w = &p->plain.phase.axis[AXIS_W];
    for (int64_t i = 0; i < h->taps; i++)
        for (int64_t j = 0; j < w->taps; j++) {
            int64_t at = origin + (h->k0 + i * h->k_step) * p->plain.step[PACK_H] +
                         (w->k0 + j * w->k_step) * p->plain.step[PACK_W];
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
static void transform(const struct pack_filters *p, const struct filter *filter, struct filter *points)
{
    struct filter half;
    for (int i = 0; i < p->h.alpha; i++)
        for (int j = 0; j < p->w.taps; j++) {
            const double *from[WINOGRAD_MOST];
            for (int k = 0; k < p->h.taps; k++)
                from[k] = filter->at[k][j];
            combine(p, half.at[i][j], p->h.weight[i], from, p->h.taps);
        }
    for (int i = 0; i < p->h.alpha; i++)
        for (int j = 0; j < p->w.alpha; j++) {
            const double *from[WINOGRAD_MOST];
            for (int k = 0; k < p->w.taps; k++)
                from[k] = half.at[i][k];
            combine(p, points->at[i][j], p->w.weight[j], from, p->w.taps);
        }
}

/* All channels of one block of one group; `to` is its place of point 0. */
static void pack_block(const struct pack_filters *p, int64_t group, int64_t first, char *to)
{
    const struct plain *plain = &p->plain;
    const struct phase_axis *d = &plain->phase.axis[AXIS_D];
    int64_t ics = plain->limit[PACK_IC], point = winograd_weights(p->plan).point;
    int channels = (int)min64(p->block, plain->limit[PACK_OC] - first);
    struct filter filter, points;
    for (int64_t td = 0; td < d->taps; td++)
        for (int64_t ic = 0; ic < ics; ic++) {
            int64_t origin = group * plain->step[PACK_GROUP] + first * plain->step[PACK_OC] +
                             ic * plain->step[PACK_IC] + (d->k0 + td * d->k_step) * plain->step[PACK_D];
            gather(p, origin, channels, &filter);
            transform(p, &filter, &points);
            char *at = to + (td * ics + ic) * p->block * plain->element;
            for (int i = 0; i < p->h.alpha; i++)
                for (int j = 0; j < p->w.alpha; j++)
                    store(p, at + (i * p->w.alpha + j) * point * plain->element, points.at[i][j]);
        }
}

void winograd_pack(const struct plan *plan, const void *weight, void *packed)
{
    const struct conv *conv = &plan->conv;
    struct pack_filters p = {.plan = plan, .plain = pack_plain(conv), .from = weight};
    p.plain.phase = conv_phase(conv, 0);
    p.h = winograd_matrices(plan->wino_rows, p.plain.phase.axis[AXIS_H].taps);
    p.w = winograd_matrices(plan->wino_cols, p.plain.phase.axis[AXIS_W].taps);
    p.block = (int)(plan->tile_vecs * plan->lanes);
    assert(p.block <= MOST_BLOCK);
    struct winograd_weights w = winograd_weights(plan);
    for (int64_t group = 0; group < conv->groups; group++)
        for (int64_t first = 0; first < conv->oc / conv->groups; first += p.block)
            pack_block(&p, group, first,
                       (char *)packed + (group * w.group + first / p.block * w.block) * p.plain.element);
    int64_t bytes = w.elements * p.plain.element;
    memset((char *)packed + bytes, 0, (size_t)(plan->packed_bytes - bytes));
}
