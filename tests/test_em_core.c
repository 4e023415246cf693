/* The words on indices, each against C: on numbers known when code runs, and on constants, which must fold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/arith.h"
#include "words/words.h"

#include <stdio.h>
#include <string.h>

enum { RANGE = 14, ORIGIN = 2048, ROOM = 2 * ORIGIN };

static const int64_t table[] = {7, -3, 0, 12, 12, -90, 41};
enum { ENTRIES = sizeof table / sizeof *table };

/* Digits 2, 3 and 5 of a mixed radix, put together again as 100s, 10s and 1s. */
static em_int emit_digits(struct em *em, em_int a, em_int b)
{
    em_int low = em_digit(em, &a, 5), middle = em_digit(em, &a, 3);
    (void)b;
    em_int sum = em_add(em, em_mulc(em, a, 100), em_mulc(em, middle, 10));
    return em_add(em, sum, low);
}
static int64_t digits(int64_t a, int64_t b)
{
    (void)b;
    return a / 15 * 100 + a / 5 % 3 * 10 + a % 5;
}

static em_int emit_ceil(struct em *em, em_int a, em_int b)
{
    (void)b;
    return em_ceil_divc(em, a, 3);
}
static em_int emit_addc(struct em *em, em_int a, em_int b)
{
    (void)b;
    return em_addc(em, a, -5);
}
static em_int emit_mulc(struct em *em, em_int a, em_int b)
{
    return em_add(em, em_mulc(em, a, 7), em_mulc(em, b, 0));
}
static em_int emit_clamp(struct em *em, em_int a, em_int b)
{
    return em_clamp(em, a, em_i(em, -4), b);
}
static em_int emit_choose(struct em *em, em_int a, em_int b)
{
    em_cond both = em_and(em, em_lt(em, a, b), em_lt(em, em_i(em, 0), b));
    return em_choose(em, both, em_i(em, 1), em_i(em, 2));
}
static em_int emit_table(struct em *em, em_int a, em_int b)
{
    (void)b;
    return em_table(em, table, ENTRIES, a);
}

static int64_t c_add(int64_t a, int64_t b)
{
    return a + b;
}
static int64_t c_sub(int64_t a, int64_t b)
{
    return a - b;
}
static int64_t c_mul(int64_t a, int64_t b)
{
    return a * b;
}
static int64_t c_div(int64_t a, int64_t b)
{
    return a / b;
}
static int64_t c_rem(int64_t a, int64_t b)
{
    return a % b;
}
static int64_t c_ceil(int64_t a, int64_t b)
{
    (void)b;
    return ceil_div(a, 3);
}
static int64_t c_addc(int64_t a, int64_t b)
{
    (void)b;
    return a - 5;
}
static int64_t c_mulc(int64_t a, int64_t b)
{
    (void)b;
    return a * 7;
}
static int64_t c_clamp(int64_t a, int64_t b)
{
    return min64(max64(a, -4), b);
}
static int64_t c_choose(int64_t a, int64_t b)
{
    return a < b && 0 < b ? 1 : 2;
}
static int64_t c_table(int64_t a, int64_t b)
{
    (void)b;
    return table[a];
}

/* A word, what it is in C, and the operands that it takes. */
static const struct row {
    const char *name;
    em_int (*emit)(struct em *em, em_int a, em_int b);
    int64_t (*c)(int64_t a, int64_t b);
    int64_t a_low, a_high, b_low, b_high;
} rows[] = {
    {"add", em_add, c_add, -RANGE, RANGE, -RANGE, RANGE},
    {"sub", em_sub, c_sub, -RANGE, RANGE, -RANGE, RANGE},
    {"mul", em_mul, c_mul, -RANGE, RANGE, -RANGE, RANGE},
    {"div", em_div, c_div, 0, RANGE, 1, RANGE},
    {"rem", em_rem, c_rem, 0, RANGE, 1, RANGE},
    {"min", em_min, min64, -RANGE, RANGE, -RANGE, RANGE},
    {"max", em_max, max64, -RANGE, RANGE, -RANGE, RANGE},
    {"addc", emit_addc, c_addc, -RANGE, RANGE, 0, 0},
    {"mulc", emit_mulc, c_mulc, -RANGE, RANGE, -1, 1},
    {"ceil_divc", emit_ceil, c_ceil, -RANGE, RANGE, 0, 0},
    {"clamp", emit_clamp, c_clamp, -RANGE, RANGE, -4, RANGE},
    {"choose", emit_choose, c_choose, -RANGE, RANGE, -3, 3},
    {"digit", emit_digits, digits, 0, 59, 0, 0},
    {"table", emit_table, c_table, 0, ENTRIES - 1, 0, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct words plain = {CJ_ISA_SSE2, CJ_F64, 1};

/* dst[ORIGIN + result] = src[0] for each pair of a and b in the row, constants where `known` is set. */
struct request {
    const struct row *row;
    bool known;
    int64_t a, b;
    bool folded; /* the answer: the result was a constant at emission */
};

static void emit_row(struct em *em, const void *arg)
{
    struct request *request = *(struct request *const *)arg;
    em_int a = request->known ? em_i(em, request->a) : em_first_unit(em);
    em_int b = request->known ? em_i(em, request->b) : em_last_unit(em);
    em_int result = request->row->emit(em, a, b);
    int64_t value;
    request->folded = em_known(result, &value);
    em_ptr to = em_offset(em, em_argument(em, EM_DST), em_addc(em, result, ORIGIN));
    em_store(em, to, em_load(em, em_argument(em, EM_SRC)));
}

/* The index that the kernel marks. */
static int64_t marked(const struct words_kernel *kernel, int64_t a, int64_t b)
{
    static double dst[ROOM];
    const double one = 1;
    memset(dst, 0, sizeof dst);
    kernel->run(dst, &one, NULL, NULL, NULL, NULL, a, b);
    int64_t at = 0;
    while (at < ROOM - 1 && dst[at] != 1)
        at++;
    return at - ORIGIN;
}

static void words_compute_as_c_does(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        struct request request = {.row = row}, *pointer = &request;
        struct words_kernel kernel = words_open(&plain, emit_row, &pointer);
        for (int64_t a = row->a_low; a <= row->a_high; a++)
            for (int64_t b = row->b_low; b <= row->b_high; b++)
                if (marked(&kernel, a, b) != row->c(a, b))
                    fail_msg("%s of %lld and %lld", row->name, (long long)a, (long long)b);
        words_close(&kernel);
    }
}

static void words_on_constants_are_constants(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        struct request request = {row, true, row->a_high, row->b_high, false}, *pointer = &request;
        struct words_kernel kernel = words_open(&plain, emit_row, &pointer);
        assert_int_equal(marked(&kernel, 0, 0), row->c(row->a_high, row->b_high));
        /* A table is data: only one whose entries agree is a constant. */
        if (request.folded != (row->emit != emit_table))
            fail_msg("%s does not fold", row->name);
        words_close(&kernel);
    }
}

static void emit_even_table(struct em *em, const void *arg)
{
    static const int64_t same[] = {5, 5, 5};
    int64_t value = 0;
    (void)arg;
    assert_true(em_known(em_table(em, same, 3, em_first_unit(em)), &value));
    assert_int_equal(value, 5);
    assert_false(em_known(em_first_unit(em), &value));
}

static void equal_entries_are_a_constant(void **state)
{
    (void)state;
    struct words_kernel kernel = words_open(&plain, emit_even_table, NULL);
    words_close(&kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_compute_as_c_does),
        cmocka_unit_test(words_on_constants_are_constants),
        cmocka_unit_test(equal_entries_are_a_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
