/* Runs of products against plain sums of whole numbers, so that order is no matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/product.h"
#include "words/trials.h"

enum { MOST_LANES = 16, MOST_ROWS = 6, MOST_VECS = 3, MOST_COUNT = 29, SPACE = 40 };

struct shape {
    int rows, vecs, unroll, k_step, count;
    bool known; /* whether the emission knows the count */
};

static const struct shape shapes[] = {
    {1, 1, 8, 1, 29, true},  {1, 1, 8, 1, 29, false}, {6, 2, 2, 1, 7, true},  {6, 2, 2, 1, 8, false},
    {4, 3, 1, 2, 13, false}, {3, 1, 4, 5, 5, true},   {2, 2, 4, 1, 3, false}, {2, 2, 4, 1, 3, true},
    {5, 1, 3, 1, 0, true},   {5, 1, 3, 1, 0, false},  {6, 3, 1, 1, 16, true},
};

static void emit_run(struct em *em, const struct plan *base, const void *arg)
{
    const struct shape *s = arg;
    struct plan plan = *base;
    plan.tile_rows = s->rows;
    plan.tile_vecs = s->vecs;
    plan.unroll = s->unroll;
    struct product product = {
        .plan = &plan, .row_step = SPACE * s->k_step, .k_step = s->k_step, .block = s->vecs * plan.lanes};
    struct tile tile = tile_open(em, s->rows, s->vecs, tile_unroll(&plan, s->rows, s->vecs));
    em_int count = s->known ? em_i(em, s->count) : em_first_unit(em);
    product_run(em, &product, &tile, em_argument(em, EM_SRC), em_argument(em, EM_WEIGHTS), count);
    for (int r = 0; r < s->rows; r++)
        for (int v = 0; v < s->vecs; v++)
            em_store(em, em_at(em, em_argument(em, EM_DST), (r * s->vecs + v) * plan.lanes),
                     tile_sum(em, &tile, r, v));
}

struct memory {
    _Alignas(64) double weights[MOST_COUNT * MOST_VECS * MOST_LANES];
    double src[MOST_ROWS * SPACE * 5], dst[MOST_ROWS * MOST_VECS * MOST_LANES];
};

static bool shape_is_right(const struct words *target, const void *arg)
{
    const struct shape *s = arg;
    struct plan plan = words_plan(target);
    struct memory m = {0};
    int block = s->vecs * target->lanes;
    for (int i = 0; i < s->count * block; i++)
        words_set(target, m.weights, i, i * 7 % 19 - 9);
    for (int i = 0; i < s->rows * SPACE * s->k_step; i++)
        words_set(target, m.src, i, i * 5 % 23 - 11);
    words_run(&plan, emit_run, s,
              &(struct words_call){.dst = m.dst, .src = m.src, .weights = m.weights, .first = s->count});
    for (int r = 0; r < s->rows; r++)
        for (int lane = 0; lane < block; lane++) {
            double want = 0, got = words_get(target, m.dst, r * block + lane);
            for (int k = 0; k < s->count; k++)
                want += words_get(target, m.src, (r * SPACE + k) * s->k_step) *
                        words_get(target, m.weights, k * block + lane);
            if (got != want)
                return words_wrong(target, "%dx%d, %d steps: row %d, lane %d is %g, should be %g", s->rows,
                                   s->vecs, s->count, r, lane, got, want);
        }
    return true;
}

static void runs_are_sums_of_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_int_equal(words_wrong_ones(shape_is_right, &shapes[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_are_sums_of_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
