/* label: full */
/* Blocks with their axes exchanged, of every small size, known at emission and not, between guard pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/words.h"

/* rows x cols elements; both steps leave a gap behind a row. */
struct block {
    const struct words *words;
    int64_t rows, cols;
    bool rows_known, cols_known;
    enum guard_side side;
};

enum { GAP = 2 };

static void emit_exchange(struct em *em, const void *arg)
{
    const struct block *b = arg;
    em_int rows = b->rows_known ? em_i(em, b->rows) : em_first_unit(em);
    em_int cols = b->cols_known ? em_i(em, b->cols) : em_last_unit(em);
    em_exchange(em, (struct em_block){em_argument(em, EM_DST), b->rows + GAP},
                (struct em_block){em_argument(em, EM_SRC), b->cols + GAP}, rows, cols);
}

static struct guarded new_block(const struct block *b, int64_t outer, int64_t inner, bool filled)
{
    size_t element = (size_t)dtype_bytes(b->words->dtype);
    int64_t room = (outer - 1) * (inner + GAP) + inner;
    struct guarded block = guard_new((size_t)room * element, element, b->side);
    for (int64_t i = 0; i < room; i++)
        words_set(b->words, block.data, i, filled ? (double)i : -1);
    return block;
}

static bool is_exchanged(const struct block *b, const void *to)
{
    for (int64_t i = 0; i < (b->cols - 1) * (b->rows + GAP) + b->rows; i++) {
        int64_t c = i / (b->rows + GAP), r = i % (b->rows + GAP);
        double want = r < b->rows ? (double)(r * (b->cols + GAP) + c) : -1;
        if (words_get(b->words, to, i) != want)
            return false;
    }
    return true;
}

static void check_block(const struct block *b)
{
    struct guarded to = new_block(b, b->cols, b->rows, false), from = new_block(b, b->rows, b->cols, true);
    struct words_kernel kernel = words_open(b->words, emit_exchange, b);
    guard_announce(words_name(b->words));
    kernel.run(to.data, from.data, NULL, NULL, NULL, NULL, b->rows, b->cols);
    words_close(&kernel);
    if (!is_exchanged(b, to.data) || !guard_intact(&to))
        fail_msg("%s: %lld x %lld, %s x %s", words_name(b->words), (long long)b->rows, (long long)b->cols,
                 b->rows_known ? "known" : "unknown", b->cols_known ? "known" : "unknown");
    guard_free(&to);
    guard_free(&from);
}

/* Sizes around the square's side, which is 8 at most. */
static void check_sizes(const struct words *words)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 7, 8, 9, 17};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int r = 0; r < SIZES; r++)
        for (int c = 0; c < SIZES; c++) {
            int known = (r * SIZES + c) % 4;
            check_block(&(struct block){words, sizes[r], sizes[c], true, true, GUARD_BEHIND});
            check_block(&(struct block){words, sizes[r], sizes[c], known & 1, known & 2,
                                        r % 2 ? GUARD_FRONT : GUARD_BEHIND});
        }
}

static void rows_become_columns(void **state)
{
    (void)state;
    words_each(check_sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_become_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
