/* Sums across lanes: of every number of vectors, each against its own in plain C, and with the same bits
 * whatever stands beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/trials.h"

enum { MOST_LANES = 16 };

static void emit_sums(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const int *count = arg;
    em_vec vectors[MOST_LANES];
    for (int i = 0; i < *count; i++)
        vectors[i] = em_load(em, em_at(em, em_argument(em, EM_SRC), i * em_lanes(em)));
    em_store_n(em, em_argument(em, EM_DST), em_sum_lanes(em, vectors, *count), *count);
}

static void run_sums(const struct words *words, int count, const double *src, double *dst)
{
    struct plan plan = words_plan(words);
    words_run(&plan, emit_sums, &count, &(struct words_call){.dst = dst, .src = src});
}

/* Whole numbers, so that any order of the sum gives the same; and the element behind the last is left alone. */
static bool sums_are_right(const struct words *words, const void *arg)
{
    (void)arg;
    bool right = true;
    for (int count = 1; count <= words->lanes; count++) {
        double src[MOST_LANES * MOST_LANES], dst[MOST_LANES + 1], want[MOST_LANES] = {0};
        for (int i = 0; i < count * words->lanes; i++) {
            element_put(words->dtype, src, i, (double)(i * i % 97));
            want[i / words->lanes] += (double)(i * i % 97);
        }
        element_put(words->dtype, dst, count, -1);
        run_sums(words, count, src, dst);
        for (int i = 0; i <= count; i++) {
            double got = element_get(words->dtype, dst, i);
            if (got != (i < count ? want[i] : -1))
                right = words_wrong(words, "sum %d of %d is %g, not %g", i, count, got, want[i]);
        }
    }
    return right;
}

/* Numbers whose sum depends on the order, the same in each vector: all sums are equal. */
static bool orders_are_one(const struct words *words, const void *arg)
{
    (void)arg;
    bool right = true;
    double first = 0;
    for (int count = 1; count <= words->lanes; count++) {
        double src[MOST_LANES * MOST_LANES], dst[MOST_LANES];
        for (int i = 0; i < count * words->lanes; i++)
            element_put(words->dtype, src, i, 1.0 / (1 + i % words->lanes * 7));
        run_sums(words, count, src, dst);
        first = count == 1 ? element_get(words->dtype, dst, 0) : first;
        for (int i = 0; i < count; i++)
            if (element_get(words->dtype, dst, i) != first)
                right = words_wrong(words, "sum %d of %d has another order", i, count);
    }
    return right;
}

static void every_number_of_vectors(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(sums_are_right, NULL), 0);
}

static void neighbours_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(orders_are_one, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_vectors),
        cmocka_unit_test(neighbours_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
