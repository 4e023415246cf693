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
    int64_t to_step, from_step; /* from line to line, known while emitting; room for a gap behind each line */
};

static void emit_exchange(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct exchange *x = arg;
    em_int rows = x->rows_known ? em_i(em, x->rows) : em_first_unit(em);
    em_int cols = x->cols_known ? em_i(em, x->cols) : em_last_unit(em);
    struct em_block to = {em_argument(em, EM_DST), x->to_step};
    em_exchange(em, to, (struct em_block){em_argument(em, EM_SRC), x->from_step}, rows, cols);
}

static int64_t extent(int64_t lines, int64_t length, int64_t step)
{
    return lines && length ? (lines - 1) * step + length : 0;
}

/* A line's elements, then the gap, which stays as guard_new left it: not a number. */
static bool exchanged(const struct words *target, const struct exchange *x, const struct guarded *dst)
{
    int64_t count = extent(x->cols, x->rows, x->to_step);
    for (int64_t i = 0; i < count; i++) {
        double got = element_get(target->dtype, dst->data, i);
        int64_t r = i % x->to_step, c = i / x->to_step;
        bool right = r < x->rows ? got == (double)(r * 1000 + c) : got != got;
        if (!right)
            return words_wrong(target, "%lld x %lld, steps %lld and %lld: element (%lld, %lld) is %g",
                               (long long)x->rows, (long long)x->cols, (long long)x->from_step,
                               (long long)x->to_step, (long long)r, (long long)c, got);
    }
    return guard_intact(dst) ||
           words_wrong(target, "%lld x %lld: writes beside the block", (long long)x->rows, (long long)x->cols);
}

static bool runs_right(const struct words *target, const struct exchange *x, kernel_fn *run,
                       enum guard_side side)
{
    size_t element = (size_t)dtype_bytes(target->dtype);
    int64_t in = extent(x->rows, x->cols, x->from_step), out = extent(x->cols, x->rows, x->to_step);
    struct guarded src = guard_new((size_t)in * element, element, side);
    struct guarded dst = guard_new((size_t)out * element, element, side);
    for (int64_t i = 0; i < in; i++)
        element_put(target->dtype, src.data, i, (double)(i / x->from_step * 1000 + i % x->from_step));
    guard_seal(&src);
    run(dst.data, src.data, NULL, NULL, NULL, NULL, x->rows, x->cols);
    bool right = exchanged(target, x, &dst);
    guard_free(&src);
    guard_free(&dst);
    return right;
}

/* Sizes up to two squares and a little more: the squares have at most eight lanes. */
static int64_t most(const struct words *target)
{
    return 2 * (target->lanes < 8 ? target->lanes : 8) + 2;
}

/* One kernel; the sizes that it does not know take every value. The buffers end or start at a page in turn. */
static bool kernel_is_right(const struct words *target, struct exchange x)
{
    struct plan plan = words_plan(target);
    struct words_kernel words = words_open_plan(&plan, emit_exchange, &x);
    int64_t rows_end = x.rows_known ? x.rows : most(target), cols_end = x.cols_known ? x.cols : most(target);
    bool right = true;
    for (int64_t rows = x.rows_known ? x.rows : 0; rows <= rows_end; rows++)
        for (int64_t cols = x.cols_known ? x.cols : 0; cols <= cols_end; cols++)
            for (int side = 0; side < GUARD_SIDES && right; side++) {
                x.rows = rows, x.cols = cols;
                right = runs_right(target, &x, words.run, (enum guard_side)side);
            }
    words_close(&words);
    return right;
}

/* Lines with gaps behind most of them. */
static struct exchange exchange_of(const struct words *target)
{
    return (struct exchange){.to_step = most(target), .from_step = most(target) + 1};
}

static bool unknown_sizes(const struct words *target, const void *arg)
{
    (void)arg;
    return kernel_is_right(target, exchange_of(target));
}

static bool one_known_size(const struct words *target, const void *arg)
{
    (void)arg;
    bool right = true;
    for (int64_t size = 0; size <= most(target) && right; size++)
        for (int known = 0; known < 2 && right; known++) {
            struct exchange x = exchange_of(target);
            x.rows_known = known == 0, x.cols_known = known == 1;
            x.rows = x.cols = size;
            right = kernel_is_right(target, x);
        }
    return right;
}

/* Each size of one side with some of the other: a line, a square, and a square and some lines more. Without
 * gaps, too, as packed memory is. */
static bool two_known_sizes(const struct words *target, const void *arg)
{
    (void)arg;
    const int64_t others[] = {1, target->lanes, target->lanes + 3};
    bool right = true;
    for (int64_t size = 0; size <= most(target); size++)
        for (size_t k = 0; k < 2 * sizeof others / sizeof others[0] && right; k++) {
            struct exchange x = {.rows = size, .cols = others[k / 2], .rows_known = true, .cols_known = true};
            if (k % 2)
                x.rows = others[k / 2], x.cols = size;
            x.to_step = x.rows + size % 3, x.from_step = x.cols + size % 2;
            right = kernel_is_right(target, x);
        }
    return right;
}

static void axes_of_any_size_change_places(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(unknown_sizes, NULL), 0);
}

static void axes_of_which_one_is_known_change_places(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(one_known_size, NULL), 0);
}

static void known_axes_change_places(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(two_known_sizes, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_of_any_size_change_places),
        cmocka_unit_test(axes_of_which_one_is_known_change_places),
        cmocka_unit_test(known_axes_change_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
