/* Transformed weights, each element by its place alone: G g G^T in extended precision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/winograd.h"
#include "support/random.h"
#include "support/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 };

/* Plain weights as doubles, in PyTorch's order. */
struct weights {
    const struct conv *conv;
    double *value;
    int64_t count;
};

static struct weights weights_of(const struct conv *conv, unsigned seed)
{
    struct weights w = {.conv = conv, .count = conv->oc * (conv->ic / conv->groups)};
    for (int a = 0; a < AXES; a++)
        w.count *= conv->axis[a].kernel;
    w.value = calloc((size_t)w.count, sizeof *w.value);
    for (int64_t i = 0; i < w.count; i++)
        w.value[i] = (double)(float)((double)(random_next(&seed) % 2001) / 1000 - 1);
    return w;
}

static void *as_elements(const struct weights *w)
{
    void *to = malloc((size_t)w->count * sizeof(double));
    for (int64_t i = 0; i < w->count; i++)
        if (w->conv->dtype == CJ_F64)
            ((double *)to)[i] = w->value[i];
        else
            ((float *)to)[i] = (float)w->value[i];
    return to;
}

/* A weight by its coordinates: group, channels within it, kernel element. */
static double weight_at(const struct weights *w, int64_t group, int64_t oc, int64_t ic, const int64_t k[AXES])
{
    const struct conv *c = w->conv;
    int64_t ocs = c->oc / c->groups, ics = c->ic / c->groups;
    int64_t at = c->op == CJ_CONV_TRANSPOSE ? (group * ics + ic) * ocs + oc : (group * ocs + oc) * ics + ic;
    for (int a = 0; a < AXES; a++)
        at = at * c->axis[a].kernel + k[a];
    return w->value[at];
}

/* Where an element of the packed weights belongs. */
struct place {
    int64_t phase, group, point, oc, plane, ic;
};

static struct place place_of(const struct plan *plan, int64_t index)
{
    struct winograd_weights w = winograd_weights(plan);
    int64_t block = plan->tile_vecs * plan->lanes, ics = plan->conv.ic / plan->conv.groups;
    struct place p = {.phase = index / w.phase, .group = index / w.group % plan->conv.groups};
    p.point = index % w.group / w.point;
    p.oc = index % w.point / w.block * block + index % block;
    p.plane = index % w.block / block / ics;
    p.ic = index % w.block / block % ics;
    return p;
}

/* Tap number t of part q of an axis in the phase: its kernel element; -1 where the part has no such tap. */
static int64_t kernel_element(const struct phase_axis *p, int64_t part, int64_t t)
{
    int64_t tap = part + t * p->in_step;
    return tap < p->taps ? p->k0 + tap * p->k_step : -1;
}

static long double wanted(const struct plan *plan, const struct weights *weights, const struct place *p)
{
    const struct conv *conv = &plan->conv;
    struct phase phase = conv_phase(conv, p->phase);
    struct winograd_axis ah = winograd_axis(conv, AXIS_H), aw = winograd_axis(conv, AXIS_W);
    struct winograd h = winograd_matrices(plan->wino_rows, ah.taps),
                    w = winograd_matrices(plan->wino_cols, aw.taps);
    int64_t td = p->plane / (ah.parts * aw.parts), part_h = p->plane / aw.parts % ah.parts,
            part_w = p->plane % aw.parts;
    long double sum = 0;
    for (int i = 0; i < h.taps; i++)
        for (int j = 0; j < w.taps; j++) {
            int64_t k[AXES] = {phase.axis[AXIS_D].k0 + td * phase.axis[AXIS_D].k_step,
                               kernel_element(&phase.axis[AXIS_H], part_h, i),
                               kernel_element(&phase.axis[AXIS_W], part_w, j)};
            if (k[AXIS_H] < 0 || k[AXIS_W] < 0)
                continue;
            sum += (long double)h.weight[p->point / w.alpha][i] * w.weight[p->point % w.alpha][j] *
                   weight_at(weights, p->group, p->oc, p->ic, k);
        }
    return sum;
}

static bool element_is_right(const struct sample *sample, const struct weights *weights, const void *packed,
                             int64_t index)
{
    const struct plan *plan = sample->plan;
    bool f64 = plan->conv.dtype == CJ_F64;
    struct place p = place_of(plan, index);
    struct phase phase = conv_phase(&plan->conv, p.phase);
    int64_t parts = winograd_axis(&plan->conv, AXIS_H).parts * winograd_axis(&plan->conv, AXIS_W).parts;
    if (p.plane / parts >= phase.axis[AXIS_D].taps)
        return true; /* a tap that this phase does not have is never read */
    double got = f64 ? ((const double *)packed)[index] : (double)((const float *)packed)[index];
    long double want = p.oc < plan->conv.oc / plan->conv.groups ? wanted(plan, weights, &p) : 0;
    /* Sums of up to 49 numbers below 1 in double precision, rounded once more to the type. */
    long double slack = f64 ? 0x1p-48L : 0x1p-23L * (fabsl(want) + 1e-6L);
    return fabsl(got - want) <= slack ||
           sample_wrong(sample, "packed element %lld is %.9g, should be %.9Lg", (long long)index, got, want);
}

static bool check_pack(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (!plan->wino_cols || plan->packed_bytes > 1 << 22)
        return true;
    struct weights weights = weights_of(&plan->conv, 5);
    void *plain = as_elements(&weights);
    char *packed = aligned_alloc(64, (size_t)plan->packed_bytes + GUARD);
    memset(packed, 0xff, (size_t)plan->packed_bytes + GUARD);
    pack_weights(plan, plain, NULL, packed);
    bool right = true;
    int64_t elements = winograd_weights(plan).elements;
    for (int64_t i = 0; i < elements && right; i += elements > 20000 ? 7 : 1)
        right = element_is_right(sample, &weights, packed, i);
    for (int64_t i = 0; i < GUARD && right; i++)
        if (packed[plan->packed_bytes + i] != (char)0xff)
            right = sample_wrong(sample, "bytes behind the packed weights were written");
    free(weights.value);
    free(plain);
    free(packed);
    return right;
}

static void every_element_is_transformed(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(71, 80, 10, check_pack), 0);
    assert_int_equal(sample_plans(72, 20, 40, check_pack), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_element_is_transformed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
