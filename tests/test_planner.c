/* The choice: what algorithms take, what they offer, and that the smallest estimate wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/grid.h"
#include "../src/text.h"
#include "support/sample.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};

/* ---- What each algorithm takes ---- */

enum { DENSE, GROUPED, DEPTHWISE, TRANSPOSED, SEPARABLE, KINDS };

static struct conv conv_of_kind(int kind)
{
    static const cj_conv_desc descs[KINDS] = {
        [DENSE] = {.in_channels = 8, .out_channels = 6, .input = {9, 9}, .kernel = {3, 3}},
        [GROUPED] = {.in_channels = 8, .out_channels = 6, .groups = 2, .input = {9, 9}, .kernel = {3, 3}},
        [DEPTHWISE] = {.in_channels = 8, .out_channels = 16, .groups = 8, .input = {9, 9}, .kernel = {3, 3}},
        [TRANSPOSED] = {.op = CJ_CONV_TRANSPOSE,
                        .in_channels = 8,
                        .out_channels = 6,
                        .input = {9, 9},
                        .kernel = {3, 3},
                        .stride = {2, 2}},
        [SEPARABLE] =
            {.op = CJ_SEPARABLE, .in_channels = 8, .out_channels = 6, .input = {9, 9}, .kernel = {3, 3}},
    };
    struct conv conv;
    assert_int_equal(conv_from_desc(&descs[kind], &conv), CJ_OK);
    return conv;
}

static const struct {
    const char *name;
    bool takes[KINDS];
} algorithms[] = {
    {"connected", {false, false, false, false, false}},
    {"dot", {true, true, false, true, false}},
    {"direct", {true, true, true, true, false}},
    {"planar", {true, true, true, true, false}},
    {"winograd", {true, true, false, true, false}},
    {"depthwise", {false, false, true, false, false}},
    {"stencil", {true, true, true, false, false}},
    {"grouped", {false, true, true, false, false}},
    {"separable", {false, false, false, false, true}},
    {"separable_planar", {false, false, false, false, true}},
    {"reference", {true, true, true, true, true}},
};

static void each_algorithm_takes_its_kinds_and_gives_a_reason_for_others(void **state)
{
    (void)state;
    struct target target = target_preset(CJ_ISA_AVX2);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct conv conv = conv_of_kind(kind);
            enum algo_id id = algo_by_name(algorithms[i].name);
            assert_true(id < ALGOS);
            const char *reason = algo_row(id)->accepts(&conv, &target);
            assert_int_equal(reason == NULL, algorithms[i].takes[kind]);
            assert_true(!reason || (strlen(reason) > 10 && !strchr(reason, '%')));
        }
}

static void names_lead_back_to_their_rows(void **state)
{
    (void)state;
    for (int id = 0; id < ALGOS; id++)
        assert_int_equal(algo_by_name(algo_row((enum algo_id)id)->name), id);
    static const char *const none[] = {"", "Direct", "direct ", "winograd9", "auto"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(algo_by_name(none[i]), ALGOS);
    assert_string_equal(algo_row(ALGOS - 1)->name, "reference");
}

static void a_forced_algorithm_is_taken_or_its_reason_given(void **state)
{
    (void)state;
    struct target target = target_preset(CJ_ISA_AVX512);
    for (int kind = 0; kind < KINDS; kind++)
        for (int id = 0; id < ALGOS; id++) {
            struct conv conv = conv_of_kind(kind);
            const struct algo *algo = algo_row((enum algo_id)id);
            const char *reason = algo->accepts(&conv, &target);
            struct plan plan = {.algo = -1};
            cj_status status = plan_choose(&conv, &target, algo->name, &plan);
            assert_int_equal(status, reason ? CJ_UNSUPPORTED : CJ_OK);
            assert_int_equal(plan.algo, reason ? -1 : id);
            if (!reason)
                continue;
            assert_non_null(strstr(cj_last_error(), algo->name));
            assert_non_null(strstr(cj_last_error(), reason));
        }
}

static void an_unknown_algorithm_is_named(void **state)
{
    (void)state;
    struct conv conv = conv_of_kind(DENSE);
    struct target target = target_preset(CJ_ISA_AVX2);
    struct plan plan;
    assert_int_equal(plan_choose(&conv, &target, "fastest", &plan), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "algorithm is \"fastest\""));
}

static struct conv conv_of_shape(const char *shape)
{
    cj_conv_desc desc;
    struct conv conv;
    int64_t batch;
    if (text_parse_shape(shape, &desc, &batch) != CJ_OK)
        fail_msg("%s: %s", shape, cj_last_error());
    if (conv_from_desc(&desc, &conv) != CJ_OK)
        fail_msg("%s: %s", shape, cj_last_error());
    return conv;
}

/* Transformed weights of many channels take longer to make than few outputs save; for many outputs, or weights
 * that stay, Winograd is worth it. */
static void packing_in_each_call_counts(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        bool once, each_call;
    } cases[] = {{"conv2d:c512:o512:i14:k3:p1", true, false}, {"conv2d:c64:o64:i112:k3:p1", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conv conv = conv_of_shape(cases[i].shape);
        struct plan once, each_call;
        struct target target = target_preset(CJ_ISA_AVX512);
        assert_int_equal(plan_choose(&conv, &target, NULL, &once), CJ_OK);
        assert_int_equal(plan_choose_packing(&conv, &target, NULL, &each_call), CJ_OK);
        if ((once.algo == ALGO_winograd) != cases[i].once ||
            (each_call.algo == ALGO_winograd) != cases[i].each_call)
            fail_msg("%s: %s, and %s where each call packs", cases[i].shape,
                     algo_row((enum algo_id)once.algo)->name, algo_row((enum algo_id)each_call.algo)->name);
        assert_int_equal(plan_choose_packing(&conv, &target, "winograd", &each_call), CJ_OK);
        assert_int_equal(each_call.algo, ALGO_winograd);
    }
}

/* Taps that lie far apart: bands of whole images would take up to thousands of terabytes. */
static void scratch_is_no_larger_than_the_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        double elements; /* of input, output and weights */
        int declined;    /* algorithm that would take more */
    } cases[] = {
        {"conv2d:c8:o8:i4000000x4000000:k3:d1999999", 8 * 1.6e13 + 8 * 4 + 576, ALGO_winograd},
        {"conv2d:c3:o3:i2000000x2000000:k3:s700000", 3 * 4e12 + 3 * 9 + 81, ALGO_stencil},
        {"conv1d:c64:o64:i100000000:k3:d30000000", 64 * 1e8 + 64 * 4e7 + 12288, ALGOS},
        {"conv2d:c65536:o65536:i3:k3:p1", 2 * 65536. * 9 + 9 * 65536. * 65536, ALGOS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int id = 0; id < ALGOS; id++) {
            struct conv conv = conv_of_shape(cases[i].shape);
            struct target target = target_preset(CJ_ISA_AVX512);
            struct verdict verdict;
            plan_consider(&conv, &target, (enum algo_id)id, &verdict);
            if (!verdict.declined && verdict.plan.scratch_bytes > 1 << 26 &&
                (double)verdict.plan.scratch_bytes > cases[i].elements * 4)
                fail_msg("%s: %s takes %lld bytes of scratch", cases[i].shape, algo_row((enum algo_id)id)->name,
                         (long long)verdict.plan.scratch_bytes);
            assert_true(id != cases[i].declined || (verdict.declined && strstr(verdict.declined, "scratch")));
        }
}

/* ---- What they offer ---- */

static bool is_power_of_two(int64_t x)
{
    return x >= 1 && (x & (x - 1)) == 0;
}

static bool limits_hold(const struct sample *sample)
{
    const struct plan *p = sample->plan;
    if (!is_power_of_two(p->lanes) || p->lanes > target_lanes(sample->target, (cj_dtype)p->conv.dtype))
        return sample_wrong(sample, "lanes");
    if (p->tile_rows < 1 || p->tile_vecs < 1 || p->unroll < 1)
        return sample_wrong(sample, "an empty tile");
    if (p->lanes > 1 && p->tile_rows * p->tile_vecs > isa_info((cj_isa)p->isa)->registers)
        return sample_wrong(sample, "more accumulators than registers");
    if (p->block_oc < 1 || p->block_rows < 1 || p->block_cols < 1 || p->units < 1)
        return sample_wrong(sample, "an empty unit");
    if (p->scratch_bytes < 0 || p->scratch_bytes % 64 || p->packed_bytes < 0 || p->packed_bytes % 64)
        return sample_wrong(sample, "bytes that are no multiple of 64");
    if (p->band != 0 && p->band != 1)
        return sample_wrong(sample, "band");
    return true;
}

static bool pack_is_well_formed(const struct sample *sample)
{
    const struct plan *p = sample->plan;
    const struct pack *packs[] = {&p->pack, &p->pack2};
    /* Transformed weights are no nest. */
    int used = p->conv.op == CJ_SEPARABLE ? 2 : p->wino_cols ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        if (i < used ? packs[i]->axes < 1 || packs[i]->axes > PACK_MAX_AXES : packs[i]->axes != 0)
            return sample_wrong(sample, "pack %d has %lld axes", i, (long long)packs[i]->axes);
        for (int k = 0; k < packs[i]->axes; k++)
            if (packs[i]->axis[k].coordinate < 0 || packs[i]->axis[k].coordinate >= PACK_COORDINATES)
                return sample_wrong(sample, "pack %d walks no coordinate", i);
    }
    if (p->pack2_offset % 64 || (used < 2 && p->pack2_offset))
        return sample_wrong(sample, "the second pack lies at %lld", (long long)p->pack2_offset);
    return true;
}

/* conv, isa and algo are the planner's; nothing is left over from another candidate. */
static bool base_is_kept(const struct sample *sample)
{
    struct conv conv;
    conv_from_desc(sample->desc, &conv);
    if (memcmp(&conv, &sample->plan->conv, sizeof conv) != 0 || sample->plan->isa != sample->target->isa)
        return sample_wrong(sample, "another convolution or instruction set");
    bool keeps_blocks = sample->plan->conv.op == CJ_SEPARABLE || sample->plan->wino_cols;
    if (!sample->plan->band && !keeps_blocks && sample->plan->scratch_bytes)
        return sample_wrong(sample, "scratch without a band");
    double seconds = algo_row((enum algo_id)sample->plan->algo)->seconds(sample->plan, sample->target);
    return (isfinite(seconds) && seconds > 0) || sample_wrong(sample, "an estimate of %g", seconds);
}

static void candidates_stay_within_the_limits(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(51, 1500, 40, limits_hold), 0);
    assert_int_equal(sample_plans(52, 200, 400, limits_hold), 0);
}

static void candidates_are_complete_plans(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(53, 600, 40, pack_is_well_formed), 0);
    assert_int_equal(sample_plans(54, 600, 40, base_is_kept), 0);
}

/* ---- The choice ---- */

/* Keeps the smallest estimate of all candidates, in the order of the list. */
struct least {
    const struct algo *algo;
    const struct target *target;
    double seconds;
    struct plan plan;
};

static void keep_least(void *sink, const struct plan *plan)
{
    struct least *least = sink;
    double seconds = least->algo->seconds(plan, least->target);
    if (seconds < least->seconds) {
        least->seconds = seconds;
        least->plan = *plan;
    }
}

static struct plan least_plan(const struct conv *conv, const struct target *target)
{
    struct least least = {.target = target, .seconds = INFINITY};
    for (int id = 0; id < ALGOS; id++) {
        struct plan base = {.conv = *conv, .isa = target->isa, .algo = id};
        least.algo = algo_row((enum algo_id)id);
        if (!least.algo->accepts(conv, target))
            least.algo->candidates(&base, target, &(struct candidates){keep_least, &least});
    }
    return least.plan;
}

static bool choice_is_right(const cj_conv_desc *desc, const struct conv *conv, const struct target *target)
{
    struct plan plan, again, expected = least_plan(conv, target);
    memset(&plan, 0x55, sizeof plan);
    memset(&again, 0xaa, sizeof again);
    if (plan_choose(conv, target, NULL, &plan) != CJ_OK || plan_choose(conv, target, NULL, &again) != CJ_OK) {
        fprintf(stderr, "%s: %s\n", sample_shape(desc), cj_last_error());
        return false;
    }
    const struct sample sample = {desc, target, &plan};
    if (memcmp(&plan, &again, sizeof plan) != 0)
        return sample_wrong(&sample, "the second choice differs");
    if (memcmp(&plan, &expected, sizeof plan) != 0)
        return sample_wrong(&sample, "the smallest estimate is another's");
    if (plan.algo == ALGO_reference)
        return sample_wrong(&sample, "is left to the reference");
    return limits_hold(&sample);
}

static void the_smallest_estimate_wins_and_never_is_the_reference(void **state)
{
    (void)state;
    unsigned s = 55;
    int wrong = 0;
    for (int i = 0; i < 2000 && wrong < 5; i++) {
        cj_conv_desc desc = sample_desc(&s, i % 2 ? 20 : 300);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        for (int k = 0; k < 3; k++) {
            struct target target = target_preset(isas[k]);
            wrong += !choice_is_right(&desc, &conv, &target);
        }
    }
    assert_int_equal(wrong, 0);
}

/* Caches smaller and larger than any machine's, and the target's isa in each plan. */
static void any_caches_give_a_plan(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 1 << 10, 1 << 20, (int64_t)1 << 40};
    unsigned s = 56;
    for (int i = 0; i < 200; i++) {
        cj_conv_desc desc = sample_desc(&s, 60);
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        for (int k = 0; k < 4; k++) {
            struct target target = {isas[i % 3], sizes[k], sizes[k], sizes[k], 1 + (int64_t)i % 2};
            if (!choice_is_right(&desc, &conv, &target))
                fail_msg("with caches of %lld bytes", (long long)sizes[k]);
        }
    }
}

static void considering_tells_the_reason_or_the_best(void **state)
{
    (void)state;
    struct target target = target_preset(CJ_ISA_SSE2);
    for (int kind = 0; kind < KINDS; kind++)
        for (int id = 0; id < ALGOS; id++) {
            struct conv conv = conv_of_kind(kind);
            struct verdict verdict;
            struct plan forced;
            memset(&verdict, 0x55, sizeof verdict);
            plan_consider(&conv, &target, (enum algo_id)id, &verdict);
            assert_ptr_equal(verdict.declined, algo_row((enum algo_id)id)->accepts(&conv, &target));
            if (verdict.declined)
                continue;
            assert_int_equal(plan_choose(&conv, &target, algo_row((enum algo_id)id)->name, &forced), CJ_OK);
            assert_memory_equal(&verdict.plan, &forced, sizeof forced);
            assert_true(verdict.seconds == algo_row((enum algo_id)id)->seconds(&forced, &target));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_takes_its_kinds_and_gives_a_reason_for_others),
        cmocka_unit_test(names_lead_back_to_their_rows),
        cmocka_unit_test(a_forced_algorithm_is_taken_or_its_reason_given),
        cmocka_unit_test(an_unknown_algorithm_is_named),
        cmocka_unit_test(packing_in_each_call_counts),
        cmocka_unit_test(scratch_is_no_larger_than_the_tensors),
        cmocka_unit_test(candidates_stay_within_the_limits),
        cmocka_unit_test(candidates_are_complete_plans),
        cmocka_unit_test(the_smallest_estimate_wins_and_never_is_the_reference),
        cmocka_unit_test(any_caches_give_a_plan),
        cmocka_unit_test(considering_tells_the_reason_or_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
