/* Rows with zeros around them: each part of each copy, from a row between pages that fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/trials.h"

static void emit_copy(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    struct em_padded row = *(const struct em_padded *)arg;
    row.from = em_argument(em, EM_SRC);
    em_copy_padded(em, em_argument(em, EM_DST), &row);
}

static bool copied_right(const struct words *target, const struct em_padded *row, const void *dst)
{
    for (int64_t j = 0; j < row->count; j++) {
        int64_t at = row->first + j;
        double want = at >= 0 && at < row->size ? (double)(at + 1) : 0;
        if (element_get(target->dtype, dst, j % row->split * row->part + j / row->split) != want)
            return words_wrong(target,
                               "element %lld of %lld from %lld of a row of %lld in %lld parts is not %g",
                               (long long)j, (long long)row->count, (long long)row->first, (long long)row->size,
                               (long long)row->split, want);
    }
    return true;
}

static bool copy_is_right(const struct words *target, const void *arg)
{
    struct em_padded row = *(const struct em_padded *)arg;
    int64_t of_part = (row.count + row.split - 1) / row.split, lanes = target->lanes;
    row.part = (of_part + lanes - 1) / lanes * lanes;
    size_t element = (size_t)dtype_bytes(target->dtype), copied = (size_t)(row.part * row.split) * element;
    struct plan plan = words_plan(target);
    struct words_kernel words = words_open_plan(&plan, emit_copy, &row);
    bool right = true;
    for (int side = 0; side < GUARD_SIDES && right; side++) {
        struct guarded src = guard_new((size_t)row.size * element, element, (enum guard_side)side);
        struct guarded dst = guard_new(copied, element, (enum guard_side)side);
        for (int64_t i = 0; i < row.size; i++)
            element_put(target->dtype, src.data, i, (double)(i + 1));
        words.run(dst.data, src.data, NULL, NULL, NULL, NULL, 0, 1);
        right = copied_right(target, &row, dst.data);
        if (right && !guard_intact(&dst))
            right = words_wrong(target, "%lld elements from %lld in %lld parts: writes beside them",
                                (long long)row.count, (long long)row.first, (long long)row.split);
        guard_free(&src);
        guard_free(&dst);
    }
    words_close(&words);
    return right;
}

static void rows_are_copied_with_their_padding(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 7, 14, 33, 100}, pads[] = {0, 1, 3, 20};
    int wrong = 0;
    for (int64_t split = 1; split <= EM_PARTS; split++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t p = 0; p < sizeof pads / sizeof *pads; p++) {
                struct em_padded row = {.first = -pads[p], .size = sizes[s], .split = split};
                row.count = sizes[s] + 2 * pads[p];
                wrong += words_wrong_ones(copy_is_right, &row);
            }
    assert_int_equal(wrong, 0);
}

/* Windows that begin or end within the row, or miss it. */
static void parts_of_rows_are_copied(void **state)
{
    (void)state;
    static const struct em_padded rows[] = {{.first = 3, .size = 50, .count = 20, .split = 1},
                                            {.first = 5, .size = 50, .count = 60, .split = 2},
                                            {.first = -40, .size = 9, .count = 30, .split = 1},
                                            {.first = 12, .size = 9, .count = 30, .split = 3}};
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += words_wrong_ones(copy_is_right, &rows[i]);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_copied_with_their_padding),
                                       cmocka_unit_test(parts_of_rows_are_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
