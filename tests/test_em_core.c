/* Words on indices against the same in C: on values that are known while emitting, and on values that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/arith.h"
#include "words/trials.h"

#include <stdlib.h>
#include <string.h>

enum op {
    ADD,
    SUB,
    MUL,
    DIV,
    REM,
    MIN,
    MAX,
    CLAMP,
    CHOOSE,
    BETWEEN,
    NOT,
    ADDC,
    MULC,
    CEIL_DIVC,
    DIGIT,
    QUOTIENT
};

struct word {
    const char *name;
    enum op op;
    int64_t constant;
};

static const struct word words[] = {
    {"add", ADD, 0},
    {"sub", SUB, 0},
    {"mul", MUL, 0},
    {"div", DIV, 0},
    {"rem", REM, 0},
    {"min", MIN, 0},
    {"max", MAX, 0},
    {"clamp", CLAMP, 0},
    {"choose", CHOOSE, 0},
    {"and", BETWEEN, 0},
    {"not", NOT, 0},
    {"addc", ADDC, 0},
    {"addc", ADDC, -9},
    {"addc", ADDC, 1 << 20},
    {"mulc", MULC, 0},
    {"mulc", MULC, 1},
    {"mulc", MULC, -1},
    {"mulc", MULC, 48},
    {"ceil_divc", CEIL_DIVC, 1},
    {"ceil_divc", CEIL_DIVC, 2},
    {"ceil_divc", CEIL_DIVC, 3},
    {"ceil_divc", CEIL_DIVC, 7},
    {"ceil_divc", CEIL_DIVC, 64},
    {"ceil_divc", CEIL_DIVC, 1000003},
    {"digit", DIGIT, 1},
    {"digit", DIGIT, 2},
    {"digit", DIGIT, 10},
    {"digit", DIGIT, 12345},
    {"quotient", QUOTIENT, 1},
    {"quotient", QUOTIENT, 10},
    {"quotient", QUOTIENT, 4096},
};
enum { WORDS = sizeof words / sizeof words[0] };

static em_int take_digit(struct em *em, em_int index, int64_t radix, bool quotient)
{
    em_int digit = em_digit(em, &index, radix);
    return quotient ? index : digit;
}

static em_int emit_word(struct em *em, const struct word *w, const em_int x[3])
{
    switch (w->op) {
    case ADD:
        return em_add(em, x[0], x[1]);
    case SUB:
        return em_sub(em, x[0], x[1]);
    case MUL:
        return em_mul(em, x[0], x[1]);
    case DIV:
        return em_div(em, x[0], x[1]);
    case REM:
        return em_rem(em, x[0], x[1]);
    case MIN:
        return em_min(em, x[0], x[1]);
    case MAX:
        return em_max(em, x[0], x[1]);
    case CLAMP:
        return em_clamp(em, x[0], x[1], x[2]);
    case CHOOSE:
        return em_choose(em, em_lt(em, x[0], x[1]), x[1], x[2]);
    case BETWEEN:
        return em_choose(em, em_and(em, em_lt(em, x[0], x[1]), em_lt(em, x[1], x[2])), x[0], x[2]);
    case NOT:
        return em_choose(em, em_not(em, em_lt(em, x[0], x[1])), x[0], x[2]);
    case ADDC:
        return em_addc(em, x[0], w->constant);
    case MULC:
        return em_mulc(em, x[0], w->constant);
    case CEIL_DIVC:
        return em_ceil_divc(em, x[0], w->constant);
    case DIGIT:
    case QUOTIENT:
        break;
    }
    return take_digit(em, x[0], w->constant, w->op == QUOTIENT);
}

/* a/b rounded up, without a division of a negative number. */
static int64_t ceil_of(int64_t a, int64_t b)
{
    return a > 0 ? (a - 1) / b + 1 : -(-a / b);
}

/* False where the word says nothing: overflow, a negative number where none may be. */
static bool want_word(const struct word *w, const int64_t x[3], int64_t *want)
{
    int64_t limit = (int64_t)1 << 62;
    *want = 0;
    switch (w->op) {
    case ADD:
        return add_fits(x[0], x[1], want);
    case SUB:
        return !__builtin_sub_overflow(x[0], x[1], want);
    case MUL:
        return mul_fits(x[0], x[1], want);
    case DIV:
        *want = x[1] > 0 ? x[0] / x[1] : 0;
        return x[0] >= 0 && x[1] > 0;
    case REM:
        *want = x[1] > 0 ? x[0] % x[1] : 0;
        return x[0] >= 0 && x[1] > 0;
    case MIN:
        *want = x[0] < x[1] ? x[0] : x[1];
        return true;
    case MAX:
        *want = x[0] > x[1] ? x[0] : x[1];
        return true;
    case CLAMP:
        *want = x[0] < x[1] ? x[1] : x[0] > x[2] ? x[2] : x[0];
        return x[1] <= x[2];
    case CHOOSE:
        *want = x[0] < x[1] ? x[1] : x[2];
        return true;
    case BETWEEN:
        *want = x[0] < x[1] && x[1] < x[2] ? x[0] : x[2];
        return true;
    case NOT:
        *want = x[0] >= x[1] ? x[0] : x[2];
        return true;
    case ADDC:
        return add_fits(x[0], w->constant, want);
    case MULC:
        return mul_fits(x[0], w->constant, want);
    case CEIL_DIVC:
        *want = ceil_of(x[0], w->constant);
        return x[0] < limit && x[0] > -limit;
    case DIGIT:
        *want = x[0] % w->constant;
        return x[0] >= 0;
    case QUOTIENT:
        *want = x[0] / w->constant;
        return x[0] >= 0;
    }
    return false;
}

static const int64_t values[] = {0,
                                 1,
                                 2,
                                 3,
                                 6,
                                 7,
                                 8,
                                 63,
                                 64,
                                 65,
                                 1000002,
                                 1000003,
                                 2147483647,
                                 2147483648,
                                 4294967296,
                                 (int64_t)1 << 61,
                                 -1,
                                 -2,
                                 -3,
                                 -6,
                                 -7,
                                 -8,
                                 -63,
                                 -64,
                                 -65,
                                 -1000003,
                                 -1000004,
                                 -4294967297,
                                 -((int64_t)1 << 61)};
enum { VALUES = sizeof values / sizeof values[0], TRIPLES = VALUES * VALUES * VALUES };

static void triple(int number, int64_t x[3])
{
    x[0] = values[number % VALUES];
    x[1] = values[number / VALUES % VALUES];
    x[2] = values[number / VALUES / VALUES];
}

/* dst[i] = word(src[3i], src[3i + 1], src[3i + 2]) */
static void emit_rows(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    EM_FOR(em, row, em_first_unit(em), em_last_unit(em))
    {
        em_int x[3];
        for (int k = 0; k < 3; k++)
            x[k] = words_load_int(em, em_argument(em, EM_SRC), em_addc(em, em_mulc(em, row.at, 3), k));
        words_store_int(em, em_argument(em, EM_DST), row.at, emit_word(em, arg, x));
    }
}

struct rows {
    int64_t operand[TRIPLES][3], got[TRIPLES];
};

static bool word_is_right(const struct words *target, const struct word *w, struct rows *rows)
{
    int count = 0;
    int64_t want;
    for (int i = 0; i < TRIPLES; i++) {
        triple(i, rows->operand[count]);
        count += want_word(w, rows->operand[count], &want);
    }
    struct plan plan = words_plan(target);
    words_run(&plan, emit_rows, w, &(struct words_call){.dst = rows->got, .src = rows->operand, .last = count});
    for (int i = 0; i < count; i++) {
        const int64_t *x = rows->operand[i];
        want_word(w, x, &want);
        if (rows->got[i] != want)
            return words_wrong(target, "%s %lld of %lld, %lld, %lld is %lld, should be %lld", w->name,
                               (long long)w->constant, (long long)x[0], (long long)x[1], (long long)x[2],
                               (long long)rows->got[i], (long long)want);
    }
    return true;
}

/* Indices know nothing of lanes and elements. */
static bool words_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    if (target->lanes != 1 || target->dtype != CJ_F32)
        return true;
    struct rows *rows = malloc(sizeof *rows);
    assert_non_null(rows);
    bool right = true;
    for (int i = 0; i < WORDS; i++)
        right = word_is_right(target, &words[i], rows) && right;
    free(rows);
    return right;
}

static void words_on_indices_are_those_of_c(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(words_are_right, NULL), 0);
}

/* ---- What is known stays known ---- */

static void emit_known(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    int *wrong = *(int *const *)arg;
    for (int i = 0; i < WORDS; i++)
        for (int k = 0; k < TRIPLES; k += 7) {
            int64_t x[3], want, got;
            triple(k, x);
            if (!want_word(&words[i], x, &want))
                continue;
            em_int value = emit_word(em, &words[i], (em_int[]){em_i(em, x[0]), em_i(em, x[1]), em_i(em, x[2])});
            *wrong += !em_known(value, &got) || got != want;
        }
    int64_t value = 77;
    assert_false(em_known(em_first_unit(em), &value));
    assert_int_equal(value, 77);
}

static void words_on_constants_give_constants(void **state)
{
    (void)state;
    int wrong = 0, *at = &wrong;
    struct plan plan = words_plan(&(struct words){CJ_ISA_SSE2, CJ_F32, 1});
    words_run(&plan, emit_known, &at, &(struct words_call){.dst = NULL});
    assert_int_equal(wrong, 0);
}

/* ---- Words that are the index they are given ---- */

static void emit_neutral(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    em_int a = em_first_unit(em), index = a;
    int64_t known = 1;
    assert_true(em_addc(em, a, 0).v == a.v);
    assert_true(em_mulc(em, a, 1).v == a.v);
    assert_true(em_ceil_divc(em, a, 1).v == a.v);
    assert_true(em_known(em_mulc(em, a, 0), &known) && known == 0);
    assert_true(em_known(em_digit(em, &index, 1), &known) && known == 0);
    assert_true(index.v == a.v);
    assert_true(em_known(em_table(em, (const int64_t[]){5, 5, 5}, 3, a), &known) && known == 5);
    assert_true(em_known(em_table(em, (const int64_t[]){-6}, 1, a), &known) && known == -6);
    assert_false(em_known(em_table(em, (const int64_t[]){5, 5, 4}, 3, a), &known));
}

static void words_that_change_nothing_emit_nothing(void **state)
{
    (void)state;
    struct plan plan = words_plan(&(struct words){CJ_ISA_SSE2, CJ_F32, 1});
    words_run(&plan, emit_neutral, NULL, &(struct words_call){.dst = NULL});
}

/* ---- Tables ---- */

enum { ENTRIES = 1000 };

struct table {
    int64_t count;
    const int64_t *row;
};

/* Two tables in one kernel, so that one would be taken for the other if they shared a place. */
static void emit_table(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct table *table = arg;
    static const int64_t few[] = {3, -4, 5};
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    {
        em_int other = em_table(em, few, 3, em_rem(em, i.at, em_i(em, 3)));
        em_int value = em_table(em, table->row, table->count, i.at);
        words_store_int(em, em_argument(em, EM_DST), em_mulc(em, i.at, 2), value);
        words_store_int(em, em_argument(em, EM_DST), em_addc(em, em_mulc(em, i.at, 2), 1), other);
    }
}

static bool tables_are_right(const struct words *target, const void *arg)
{
    if (target->lanes != 1)
        return true;
    const int64_t *row = arg;
    struct plan plan = words_plan(target);
    static const int64_t counts[] = {1, 2, 3, 17, ENTRIES};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        int64_t got[2 * ENTRIES];
        struct table table = {counts[k], row};
        words_run(&plan, emit_table, &table, &(struct words_call){.dst = got, .last = counts[k]});
        for (int64_t i = 0; i < counts[k]; i++)
            if (got[2 * i] != row[i] || got[2 * i + 1] != (i % 3 == 0 ? 3 : i % 3 == 1 ? -4 : 5))
                return words_wrong(target, "entry %lld of %lld", (long long)i, (long long)counts[k]);
    }
    return true;
}

static void tables_hold_their_rows(void **state)
{
    (void)state;
    int64_t row[ENTRIES];
    for (int64_t i = 0; i < ENTRIES; i++)
        row[i] = i % 2 ? -i * i * 1000003 : ((int64_t)1 << 62) - i;
    assert_int_equal(words_wrong_ones(tables_are_right, row), 0);
}

/* ---- The frame ---- */

static const enum em_arg arguments[] = {EM_DST, EM_SRC, EM_WEIGHTS, EM_BIAS, EM_EXTRA, EM_SCRATCH};
enum { ARGUMENTS = sizeof arguments / sizeof arguments[0] };

static void emit_frame(struct em *em, const struct plan *plan, const void *arg)
{
    const struct words *target = arg;
    assert_int_equal(em_lanes(em), plan->lanes);
    assert_int_equal(em_is_f64(em), target->dtype == CJ_F64);
    em_ptr dst = em_argument(em, EM_DST);
    for (int i = 0; i < ARGUMENTS; i++)
        words_store_int(em, dst, em_i(em, i), words_distance(em, dst, em_argument(em, arguments[i])));
    words_store_int(em, dst, em_i(em, ARGUMENTS), em_first_unit(em));
    words_store_int(em, dst, em_i(em, ARGUMENTS + 1), em_last_unit(em));
}

static bool frame_is_right(const struct words *target, const void *arg)
{
    (void)arg;
    int64_t got[16];
    struct plan plan = words_plan(target);
    char *at = (char *)got;
    words_run(&plan, emit_frame, target,
              &(struct words_call){at, at + 1, at + 20, at + 99, (const void *const *)(got + 2), at + 128,
                                   -((int64_t)1 << 60), (int64_t)1 << 61});
    static const int64_t want[] = {0, 1, 20, 99, 16, 128, -((int64_t)1 << 60), (int64_t)1 << 61};
    return memcmp(got, want, sizeof want) == 0 || words_wrong(target, "an argument is not where it should be");
}

static void arguments_arrive_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(frame_is_right, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_on_indices_are_those_of_c),
        cmocka_unit_test(words_on_constants_give_constants),
        cmocka_unit_test(words_that_change_nothing_emit_nothing),
        cmocka_unit_test(tables_hold_their_rows),
        cmocka_unit_test(arguments_arrive_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
