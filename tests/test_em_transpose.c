/* Blocks with their axes exchanged: every size around a square of vectors, between pages that fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/trials.h"

#include <stdlib.h>
#include <string.h>

/* A size is known while emitting, or comes when the code runs. */
struct exchange {
    int64_t rows, cols;
    bool rows_known, cols_known;
    int64_t to_gap, from_gap; /* elements between one line's end and the next line */
};

static void emit_exchange(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct exchange *x = arg;
    em_int rows = x->rows_known ? em_i(em, x->rows) : em_first_unit(em);
    em_int cols = x->cols_known ? em_i(em, x->cols) : em_last_unit(em);
    struct em_block to = {em_argument(em, EM_DST), x->rows + x->to_gap};
    em_exchange(em, to, (struct em_block){em_argument(em, EM_SRC), x->cols + x->from_gap}, rows, cols);
}

static int64_t extent(int64_t lines, int64_t length, int64_t gap)
{
    return lines && length ? (lines - 1) * (length + gap) + length : 0;
}

/* A line's elements, then the gap, which stays as guard_new left it: not a number. */
static bool exchanged(const struct words *target, const struct exchange *x, const struct guarded *dst)
{
    int64_t count = extent(x->cols, x->rows, x->to_gap), step = x->rows + x->to_gap;
    for (int64_t i = 0; i < count; i++) {
        double got = element_get(target->dtype, dst->data, i);
        int64_t r = i % step, c = i / step;
        bool right = r < x->rows ? got == (double)(r * 1000 + c) : got != got;
        if (!right)
            return words_wrong(target, "%lld x %lld, gaps %lld and %lld: element (%lld, %lld) is %g",
                               (long long)x->rows, (long long)x->cols, (long long)x->from_gap,
                               (long long)x->to_gap, (long long)r, (long long)c, got);
    }
    return guard_intact(dst) ||
           words_wrong(target, "%lld x %lld: writes beside the block", (long long)x->rows, (long long)x->cols);
}

static bool runs_right(const struct words *target, const struct exchange *x, kernel_fn *run,
                       enum guard_side side)
{
    size_t element = (size_t)dtype_bytes(target->dtype);
    int64_t in = extent(x->rows, x->cols, x->from_gap), out = extent(x->cols, x->rows, x->to_gap);
    struct guarded src = guard_new((size_t)in * element, element, side);
    struct guarded dst = guard_new((size_t)out * element, element, side);
    for (int64_t i = 0; i < in; i++)
        element_put(target->dtype, src.data, i,
                    (double)(i / (x->cols + x->from_gap) * 1000 + i % (x->cols + x->from_gap)));
    guard_seal(&src);
    run(dst.data, src.data, NULL, NULL, NULL, NULL, x->rows, x->cols);
    bool right = exchanged(target, x, &dst);
    guard_free(&src);
    guard_free(&dst);
    return right;
}

static bool exchange_is_right(const struct words *target, const struct exchange *x)
{
    struct plan plan = words_plan(target);
    struct words_kernel words = words_open_plan(&plan, emit_exchange, x);
    bool right = true;
    for (int side = 0; side < GUARD_SIDES && right; side++)
        right = runs_right(target, x, words.run, (enum guard_side)side);
    words_close(&words);
    return right;
}

/* Each size of one side with a few of the other, known and not by turns. */
static bool blocks_are_exchanged(const struct words *target, const void *arg)
{
    (void)arg;
    int most = 2 * (target->lanes < 8 ? target->lanes : 8) + 2;
    const int64_t others[] = {1, target->lanes, target->lanes + 3};
    bool right = true;
    for (int size = 0, turn = 0; size <= most; size++)
        for (size_t k = 0; k < 2 * sizeof others / sizeof others[0] && right; k++, turn++) {
            struct exchange x = {.rows = size, .cols = others[k / 2]};
            if (k % 2)
                x = (struct exchange){.rows = others[k / 2], .cols = size};
            x.rows_known = turn / 2 % 2, x.cols_known = turn / 4 % 2 || turn % 7 == 0;
            x.to_gap = turn % 3, x.from_gap = turn % 5;
            right = exchange_is_right(target, &x);
        }
    return right;
}

static void axes_change_places(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(blocks_are_exchanged, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_change_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
