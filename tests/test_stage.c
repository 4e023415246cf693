/* Units that are computed for several images at once: every range of a batch's units is covered once, in images
 * that lie one behind the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/stage.h"
#include "../src/algo.h"
#include "words/trials.h"

#include <string.h>

enum { IMAGES = 4, MOST_UNITS = 5 };

static struct plan plan_of_units(const struct words *words, int units)
{
    cj_conv_desc desc = {
        .dtype = words->dtype, .in_channels = 1, .out_channels = units, .input = {1, 1}, .kernel = {1, 1}};
    struct plan plan = words_plan(words);
    assert_int_equal(conv_from_desc(&desc, &plan.conv), CJ_OK);
    plan.algo = ALGO_connected;
    plan.tile_rows = plan.tile_vecs = plan.block_rows = plan.block_cols = 1;
    plan.block_oc = words->lanes;
    plan.units = units;
    return plan;
}

/* Add 1 to the number of each unit that is computed. */
static void count_units(struct em *em, const struct stage *stage)
{
    EM_FOR(em, i, em_i(em, 0), stage->unit->images)
    {
        em_int image = em_add(em, stage->unit->image, i.at);
        em_int number = em_add(em, em_mulc(em, image, stage->plan->units), stage->unit->block0);
        em_ptr counts = em_argument(em, EM_DST);
        words_store_int(em, counts, number, em_addc(em, words_load_int(em, counts, number), 1));
    }
}

static void emit_counts(struct em *em, const struct plan *plan, const void *arg)
{
    (void)arg;
    emit_units_of_images(em, plan, count_units);
}

static bool ranges_are_covered(const struct words *words, const struct plan *plan, kernel_fn *run)
{
    for (int64_t first = 0; first <= IMAGES * plan->units; first++)
        for (int64_t last = first; last <= IMAGES * plan->units; last++) {
            int64_t counts[IMAGES * MOST_UNITS] = {0};
            run(counts, NULL, NULL, NULL, NULL, NULL, first, last);
            for (int64_t i = 0; i < IMAGES * plan->units; i++)
                if (counts[i] != (i >= first && i < last))
                    return words_wrong(words,
                                       "of %lld units in an image, %lld to %lld: %lld is computed %lld times",
                                       (long long)plan->units, (long long)first, (long long)last, (long long)i,
                                       (long long)counts[i]);
        }
    return true;
}

static bool units_are_covered(const struct words *words, const void *arg)
{
    (void)arg;
    bool right = true;
    /* A unit is one block of channels, which only one lane makes one channel. */
    for (int units = 1; words->lanes == 1 && units <= MOST_UNITS && right; units++) {
        struct plan plan = plan_of_units(words, units);
        struct words_kernel words_kernel = words_open_plan(&plan, emit_counts, NULL);
        right = ranges_are_covered(words, &plan, words_kernel.run);
        words_close(&words_kernel);
    }
    return right;
}

static void every_range_is_covered_once(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(units_are_covered, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range_is_covered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
