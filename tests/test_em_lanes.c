/* Shuffles by every rule that an algorithm can ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/trials.h"

struct rule {
    int each, step, first;
};

/* All rules whose lanes fit a vector, one vector of the output for each. */
static int all_rules(int lanes, struct rule rules[])
{
    int count = 0;
    for (int each = 1; each <= lanes; each++)
        for (int step = 1; step <= lanes; step++)
            for (int first = 0; first<step; first += step> 4 ? 3 : 1)
                rules[count++] = (struct rule){each, step, first};
    return count;
}

enum { MOST_LANES = 16, MOST_RULES = MOST_LANES * MOST_LANES * MOST_LANES };

static void emit_spreads(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    static struct rule rules[MOST_RULES];
    int count = all_rules(em_lanes(em), rules);
    em_vec x = em_load(em, em_argument(em, EM_SRC));
    for (int i = 0; i < count; i++) {
        em_vec y = em_spread(em, x, rules[i].each, rules[i].step, rules[i].first);
        em_store(em, em_at(em, em_argument(em, EM_DST), (int64_t)i * em_lanes(em)), y);
    }
}

static bool spreads_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    static struct rule rules[MOST_RULES];
    static double src[MOST_LANES], dst[MOST_RULES * MOST_LANES];
    int lanes = target->lanes, count = all_rules(lanes, rules);
    for (int i = 0; i < lanes; i++)
        element_put(target->dtype, src, i, i + 1);
    struct plan plan = words_plan(target);
    words_run(&plan, emit_spreads, NULL, &(struct words_call){.dst = dst, .src = src});
    for (int i = 0; i < count * lanes; i++) {
        struct rule rule = rules[i / lanes];
        int from = i % lanes / rule.each * rule.step + rule.first;
        double got = element_get(target->dtype, dst, i);
        if (from < lanes && got != from + 1)
            return words_wrong(target, "em_spread each %d step %d first %d: lane %d is lane %g", rule.each,
                               rule.step, rule.first, i % lanes, got - 1);
    }
    return true;
}

static void lanes_are_spread_by_every_rule(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(spreads_are_right, NULL), 0);
}

/* Two neighbouring vectors slid over each other by every number of lanes. */
static void emit_slides(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    int lanes = em_lanes(em);
    em_vec a = em_load(em, em_argument(em, EM_SRC)), b = em_load(em, em_at(em, em_argument(em, EM_SRC), lanes));
    for (int n = 1; n < lanes; n++)
        em_store(em, em_at(em, em_argument(em, EM_DST), (int64_t)(n - 1) * lanes), em_slide(em, a, b, n));
}

static bool slides_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    double src[2 * MOST_LANES], dst[MOST_LANES * MOST_LANES];
    int lanes = target->lanes;
    for (int i = 0; i < 2 * lanes; i++)
        element_put(target->dtype, src, i, i);
    struct plan plan = words_plan(target);
    words_run(&plan, emit_slides, NULL, &(struct words_call){.dst = dst, .src = src});
    for (int i = 0; i < (lanes - 1) * lanes; i++)
        if (element_get(target->dtype, dst, i) != i / lanes + 1 + i % lanes)
            return words_wrong(target, "em_slide by %d: lane %d is %g", i / lanes + 1, i % lanes,
                               element_get(target->dtype, dst, i));
    return true;
}

static void vectors_slide_by_every_number_of_lanes(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(slides_are_right, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lanes_are_spread_by_every_rule),
                                       cmocka_unit_test(vectors_slide_by_every_number_of_lanes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
