/* Packed weights against the plan's description of them: each element looked up from its place alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/random.h"
#include "support/sample.h"

#include <stdlib.h>
#include <string.h>

/* Plain weights of one stage, from the header's description of their order. */
struct plain {
    struct conv conv;       /* whose phases decide the taps */
    int64_t groups, oc, ic; /* oc and ic of one group */
    bool transposed;
    int64_t count;
};

static struct plain plain_of(const struct conv *conv, int stage)
{
    struct plain plain = {
        *conv, conv->groups, conv->oc / conv->groups, conv->ic / conv->groups, conv->op == CJ_CONV_TRANSPOSE,
        0};
    if (conv->op == CJ_SEPARABLE) {
        plain.oc = stage ? conv->oc : conv->mid / conv->ic;
        plain.ic = stage ? conv->mid : 1;
        plain.groups = stage ? 1 : conv->ic;
        plain.conv.op = CJ_CONV;
    }
    for (int a = 0; a < AXES && stage; a++)
        plain.conv.axis[a] = (struct axis){1, 1, 1, 1, 1, 0, 0};
    plain.count = plain.groups * plain.oc * plain.ic;
    for (int a = 0; a < AXES; a++)
        plain.count *= plain.conv.axis[a].kernel;
    return plain;
}

/* The place of a weight in the caller's tensor; -1 outside. */
static int64_t plain_index(const struct plain *plain, const int64_t at[PACK_COORDINATES])
{
    int64_t limits[] = {plain->groups, plain->oc, plain->ic, 0, 0, 0};
    for (int a = 0; a < AXES; a++)
        limits[PACK_D + a] = plain->conv.axis[a].kernel;
    for (int c = 0; c < PACK_COORDINATES; c++)
        if (at[c] < 0 || at[c] >= limits[c])
            return -1;
    int64_t outer = plain->transposed ? (at[PACK_GROUP] * plain->ic + at[PACK_IC]) * plain->oc + at[PACK_OC]
                                      : (at[PACK_GROUP] * plain->oc + at[PACK_OC]) * plain->ic + at[PACK_IC];
    for (int a = 0; a < AXES; a++)
        outer = outer * limits[PACK_D + a] + at[PACK_D + a];
    return outer;
}

static int64_t axis_count(const struct pack_axis *axis, const struct phase *phase)
{
    return axis->coordinate >= PACK_D ? phase->axis[axis->coordinate - PACK_D].taps : axis->count;
}

/* The weight that belongs at `place` of a phase's nest; -1: zero. */
static int64_t expected_at(const struct plain *plain, const struct pack *pack, const struct phase *phase,
                           int64_t place)
{
    int64_t at[PACK_COORDINATES] = {0};
    for (int a = 0; a < AXES; a++)
        at[PACK_D + a] = phase->axis[a].k0;
    for (int64_t i = pack->axes - 1; i >= 0; i--) {
        const struct pack_axis *axis = &pack->axis[i];
        int64_t c = axis->coordinate, count = axis_count(axis, phase);
        at[c] += place % count * (c >= PACK_D ? phase->axis[c - PACK_D].k_step : axis->step);
        place /= count;
    }
    return plain_index(plain, at);
}

static int64_t nest_count(const struct pack *pack, const struct phase *phase)
{
    int64_t count = 1;
    for (int64_t i = 0; i < pack->axes; i++)
        count *= axis_count(&pack->axis[i], phase);
    return count;
}

/* Weight number i is i + 1, so that no weight is zero. */
static void *numbered(int64_t count, bool f64)
{
    void *all = malloc((size_t)(count + 1) * 8);
    for (int64_t i = 0; i < count; i++)
        if (f64)
            ((double *)all)[i] = (double)(i + 1);
        else
            ((float *)all)[i] = (float)(i + 1);
    return all;
}

static double fetch(const void *from, int64_t index, bool f64)
{
    return f64 ? ((const double *)from)[index] : (double)((const float *)from)[index];
}

/* What one stage has been packed into. */
struct packed {
    const struct sample *sample;
    const struct pack *pack;
    const char *at;
    int64_t bytes;
    int stage;
};

/* Elements of the packed stage, and how often each weight occurs in `seen`. */
static bool check_elements(const struct packed *packed, const struct plain *plain, int *seen)
{
    bool f64 = packed->sample->plan->conv.dtype == CJ_F64;
    int64_t place = 0, phases = conv_phases(&plain->conv);
    for (int64_t p = 0; p < phases; p++) {
        struct phase phase = conv_phase(&plain->conv, p);
        int64_t count = nest_count(packed->pack, &phase);
        for (int64_t i = 0; i < count; i++, place++) {
            int64_t weight = expected_at(plain, packed->pack, &phase, i);
            if (weight >= 0)
                seen[weight]++;
            if (fetch(packed->at, place, f64) != (double)(weight + 1))
                return sample_wrong(packed->sample, "stage %d: element %lld is %g instead of %lld",
                                    packed->stage, (long long)place, fetch(packed->at, place, f64),
                                    (long long)weight + 1);
        }
    }
    for (; place < packed->bytes / (f64 ? 8 : 4); place++)
        if (fetch(packed->at, place, f64) != 0)
            return sample_wrong(packed->sample, "stage %d: the end is not zero", packed->stage);
    return true;
}

/* Every weight is packed once; of a transposed convolution not those that only meet outputs cut off. */
static bool check_stage(const struct packed *packed)
{
    const struct conv *conv = &packed->sample->plan->conv;
    struct plain plain = plain_of(conv, packed->stage);
    int *seen = calloc((size_t)plain.count, sizeof *seen);
    bool right = check_elements(packed, &plain, seen);
    for (int64_t i = 0; i < plain.count && right; i++)
        if (seen[i] != 1 && !(plain.transposed && seen[i] == 0))
            right = sample_wrong(packed->sample, "weight %lld is packed %d times", (long long)i, seen[i]);
    free(seen);
    if (right && pack_bytes(conv, packed->pack, packed->stage) != packed->bytes)
        return sample_wrong(packed->sample, "stage %d takes %lld bytes", packed->stage,
                            (long long)packed->bytes);
    return right;
}

/* The whole buffer, with a few bytes behind that must stay. */
static bool check_pack(const struct sample *sample)
{
    const struct plan *plan = sample->plan;
    if (plan->wino_cols)
        return true; /* transformed: test_winograd_pack.c */
    bool f64 = plan->conv.dtype == CJ_F64, two = plan->conv.op == CJ_SEPARABLE, right;
    void *weight = numbered(plain_of(&plan->conv, 0).count, f64);
    void *pointwise = two ? numbered(plain_of(&plan->conv, 1).count, f64) : NULL;
    char *packed = aligned_alloc(64, (size_t)plan->packed_bytes + 64);
    memset(packed, 0xff, (size_t)plan->packed_bytes + 64);
    pack_weights(plan, weight, pointwise, packed);
    int64_t first = two ? plan->pack2_offset : plan->packed_bytes;
    right = check_stage(&(struct packed){sample, &plan->pack, packed, first, 0});
    if (two && right)
        right =
            check_stage(&(struct packed){sample, &plan->pack2, packed + first, plan->packed_bytes - first, 1});
    for (int i = 0; i < 64 && right; i++)
        if (packed[plan->packed_bytes + i] != (char)0xff)
            right = sample_wrong(sample, "bytes behind the packed weights were written");
    free(weight);
    free(pointwise);
    free(packed);
    return right;
}

static void every_element_is_where_the_plan_says(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(21, 150, 24, check_pack), 0);
}

static void a_few_channels_leave_tails_of_zeros(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(22, 300, 5, check_pack), 0);
}

/* A nest that no algorithm asks for: blocks of channels in any order, some of them wholly outside the weights.
 */
static struct pack random_pack(const struct plain *plain, unsigned *s)
{
    const int64_t limits[] = {plain->groups, plain->oc, plain->ic};
    struct pack pack = {.axes = 9};
    for (int c = 0; c < 3; c++) {
        int64_t block = 1 + random_next(s) % 5;
        pack.axis[c] = (struct pack_axis){c, (limits[c] + block - 1) / block + random_next(s) % 2, block};
        pack.axis[3 + c] = (struct pack_axis){PACK_D + c, 0, 0};
        pack.axis[6 + c] = (struct pack_axis){c, block, 1};
    }
    for (int i = 8; i > 0; i--) {
        int k = (int)(random_next(s) % (unsigned)(i + 1));
        struct pack_axis other = pack.axis[k];
        pack.axis[k] = pack.axis[i];
        pack.axis[i] = other;
    }
    return pack;
}

static void any_nest_is_packed_as_it_says(void **state)
{
    (void)state;
    unsigned s = 23;
    int wrong = 0;
    for (int i = 0; i < 300 && wrong < 5; i++) {
        cj_conv_desc desc = sample_desc(&s, 6);
        struct plan plan = {.isa = CJ_ISA_AVX2};
        assert_int_equal(conv_from_desc(&desc, &plan.conv), CJ_OK);
        struct plain plain = plain_of(&plan.conv, 0);
        if (plan.conv.op == CJ_SEPARABLE)
            continue;
        plan.pack = random_pack(&plain, &s);
        plan.packed_bytes = pack_bytes(&plan.conv, &plan.pack, 0);
        wrong += !check_pack(&(struct sample){.desc = &desc, .plan = &plan});
    }
    assert_int_equal(wrong, 0);
}

/* A layout written out by hand: 3 output channels in blocks of 2, the reduction outside the block. */
static void a_pack_written_by_hand(void **state)
{
    (void)state;
    cj_conv_desc desc = {.rank = 1, .in_channels = 2, .out_channels = 3, .input = {5}, .kernel = {2}};
    struct plan plan = {
        .pack = {.axes = 4, .axis = {{PACK_OC, 2, 2}, {PACK_W, 0, 0}, {PACK_IC, 2, 1}, {PACK_OC, 2, 1}}}};
    static const float weights[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; /* [oc][ic][w] */
    static const float expected[] = {1, 5, 3, 7, 2, 6, 4, 8, 9, 0, 11, 0, 10, 0, 12, 0};
    float packed[16];
    assert_int_equal(conv_from_desc(&desc, &plan.conv), CJ_OK);
    assert_int_equal(pack_bytes(&plan.conv, &plan.pack, 0), sizeof packed);
    pack_weights(&plan, weights, NULL, packed);
    assert_memory_equal(packed, expected, sizeof packed);
}

/* The taps of a phase are packed in the order in which the input is walked: backwards through the kernel. */
static void a_transposed_pack_written_by_hand(void **state)
{
    (void)state;
    cj_conv_desc desc = {.op = CJ_CONV_TRANSPOSE,
                         .rank = 1,
                         .in_channels = 2,
                         .out_channels = 1,
                         .input = {5},
                         .kernel = {5},
                         .stride = {2}};
    struct plan plan = {.pack = {.axes = 2, .axis = {{PACK_W, 0, 0}, {PACK_IC, 2, 1}}}};
    static const float weights[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; /* [ic][oc][w] */
    static const float expected[16] = {5, 10, 3, 8, 1, 6, 4, 9, 2, 7};
    float packed[16];
    assert_int_equal(conv_from_desc(&desc, &plan.conv), CJ_OK);
    pack_weights(&plan, weights, NULL, packed);
    assert_memory_equal(packed, expected, sizeof packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_is_where_the_plan_says),
        cmocka_unit_test(a_few_channels_leave_tails_of_zeros),
        cmocka_unit_test(any_nest_is_packed_as_it_says),
        cmocka_unit_test(a_pack_written_by_hand),
        cmocka_unit_test(a_transposed_pack_written_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
