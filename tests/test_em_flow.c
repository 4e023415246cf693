/* Loops and branches: what generated code passes through, in which order, against the same loops in C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/trials.h"

#include <string.h>

/* What ran, one number after the other, behind how many they are: of generated code, and of C. */
enum { LOG = 4000 };

static void note(struct em *em, em_ptr log, em_int number)
{
    em_int count = em_addc(em, words_load_int(em, log, em_i(em, 0)), 1);
    words_store_int(em, log, count, number);
    words_store_int(em, log, em_i(em, 0), count);
}

static void note_constant(struct em *em, em_ptr log, int64_t number)
{
    note(em, log, em_i(em, number));
}

struct plain_log {
    int64_t number[LOG];
};

static void plain_note(struct plain_log *log, int64_t number)
{
    log->number[++log->number[0]] = number;
}

/* A scenario twice: as generated code, which knows a and b when it runs, and as C. Marks follow each loop, so
 * that going on at a wrong place shows. */
struct scenario {
    const char *name;
    void (*emit)(struct em *em, em_ptr log, em_int a, em_int b);
    void (*plain)(struct plain_log *log, int64_t a, int64_t b);
};

enum { MARK = -1000, OTHER_MARK = -2000 };

static void emit_for(struct em *em, em_ptr log, em_int a, em_int b)
{
    EM_FOR(em, i, a, b)
    note(em, log, i.at);
}
static void plain_for(struct plain_log *log, int64_t a, int64_t b)
{
    for (int64_t i = a; i < b; i++)
        plain_note(log, i);
}

static void emit_streams(struct em *em, em_ptr log, em_int a, em_int b)
{
    for (int64_t step = 1; step < 10; step += 2) {
        EM_STREAM(em, i, a, b, step)
        note(em, log, i.at);
        note_constant(em, log, MARK);
    }
}
static void plain_streams(struct plain_log *log, int64_t a, int64_t b)
{
    for (int64_t step = 1; step < 10; step += 2) {
        for (int64_t i = a; i < b; i += step)
            plain_note(log, i);
        plain_note(log, MARK);
    }
}

/* One end is known, the other is not. */
static void emit_half_known(struct em *em, em_ptr log, em_int a, em_int b)
{
    EM_FOR(em, i, em_i(em, 0), b)
    note(em, log, i.at);
    note_constant(em, log, MARK);
    EM_FOR(em, j, a, em_i(em, 2))
    note(em, log, j.at);
}
static void plain_half_known(struct plain_log *log, int64_t a, int64_t b)
{
    for (int64_t i = 0; i < b; i++)
        plain_note(log, i);
    plain_note(log, MARK);
    for (int64_t j = a; j < 2; j++)
        plain_note(log, j);
}

/* Both ends are known: loops of no turn, of one, of several. */
static void emit_known(struct em *em, em_ptr log, em_int a, em_int b)
{
    (void)a;
    (void)b;
    for (int64_t begin = -2; begin < 4; begin++)
        for (int64_t end = -2; end < 4; end++) {
            EM_FOR(em, i, em_i(em, begin), em_i(em, end))
            note(em, log, i.at);
            note_constant(em, log, MARK);
            EM_STREAM(em, j, em_i(em, begin), em_i(em, end), 2)
            note(em, log, j.at);
        }
}
static void plain_known(struct plain_log *log, int64_t a, int64_t b)
{
    (void)a;
    (void)b;
    for (int64_t begin = -2; begin < 4; begin++)
        for (int64_t end = -2; end < 4; end++) {
            for (int64_t i = begin; i < end; i++)
                plain_note(log, i);
            plain_note(log, MARK);
            for (int64_t j = begin; j < end; j += 2)
                plain_note(log, j);
        }
}

static void emit_nest(struct em *em, em_ptr log, em_int a, em_int b)
{
    EM_FOR(em, i, a, b)
    {
        EM_FOR(em, j, i.at, b)
        {
            EM_STREAM(em, k, a, j.at, 2)
            note(em, log, em_add(em, em_mulc(em, i.at, 100), em_add(em, em_mulc(em, j.at, 10), k.at)));
            note_constant(em, log, MARK);
        }
        EM_FOR(em, once, em_i(em, 7), em_i(em, 8))
        note(em, log, once.at);
        note_constant(em, log, OTHER_MARK);
    }
}
static void plain_nest(struct plain_log *log, int64_t a, int64_t b)
{
    for (int64_t i = a; i < b; i++) {
        for (int64_t j = i; j < b; j++) {
            for (int64_t k = a; k < j; k += 2)
                plain_note(log, i * 100 + j * 10 + k);
            plain_note(log, MARK);
        }
        plain_note(log, 7);
        plain_note(log, OTHER_MARK);
    }
}

static void emit_inner_branch(struct em *em, em_ptr log, em_int count)
{
    EM_IF(em, em_lt(em, em_i(em, 0), count))
    {
        EM_FOR(em, j, em_i(em, 0), count)
        note(em, log, em_addc(em, j.at, 50));
    }
}

static void emit_branches(struct em *em, em_ptr log, em_int a, em_int b)
{
    EM_IF(em, em_lt(em, a, b))
    note_constant(em, log, 1);
    EM_FOR(em, i, a, b)
    {
        EM_IF(em, em_lt(em, i.at, em_i(em, 3)))
        {
            note(em, log, i.at);
            emit_inner_branch(em, log, i.at);
            note_constant(em, log, MARK);
        }
        EM_IF(em, em_lt(em, em_i(em, 3), em_i(em, 2)))
        note_constant(em, log, OTHER_MARK);
    }
}
static void plain_branches(struct plain_log *log, int64_t a, int64_t b)
{
    if (a < b)
        plain_note(log, 1);
    for (int64_t i = a; i < b; i++) {
        if (i >= 3)
            continue;
        plain_note(log, i);
        for (int64_t j = 0; i > 0 && j < i; j++)
            plain_note(log, j + 50);
        plain_note(log, MARK);
    }
}

/* Pointers that walk, noted as distances; one of them asked for behind a loop and a branch. */
static void emit_walkers(struct em *em, em_ptr log, em_int a, em_int b)
{
    em_ptr src = em_argument(em, EM_SRC), ahead = em_at(em, src, 5);
    EM_STREAM(em, i, a, b, 3)
    {
        em_ptr forwards = em_walk(&i, ahead, 4), still = em_walk(&i, src, 0);
        EM_FOR(em, j, em_i(em, 0), em_i(em, 2))
        note(em, log, words_distance(em, src, forwards));
        EM_IF(em, em_lt(em, i.at, em_i(em, 4)))
        note(em, log, words_distance(em, src, still));
        note(em, log, words_distance(em, src, em_walk(&i, src, -7)));
    }
    EM_STREAM(em, once, em_i(em, 1), em_i(em, 3), 2)
    note(em, log, words_distance(em, src, em_walk(&once, ahead, 9)));
}

/* In elements. */
static void plain_walkers(struct plain_log *log, int64_t a, int64_t b)
{
    for (int64_t i = a, turn = 0; i < b; i += 3, turn++) {
        plain_note(log, 5 + 4 * turn);
        plain_note(log, 5 + 4 * turn);
        if (i < 4)
            plain_note(log, 0);
        plain_note(log, -7 * turn);
    }
    plain_note(log, 5);
}

static const struct scenario scenarios[] = {
    {"a loop", emit_for, plain_for},
    {"streams", emit_streams, plain_streams},
    {"loops with one known end", emit_half_known, plain_half_known},
    {"loops with known ends", emit_known, plain_known},
    {"a nest of loops", emit_nest, plain_nest},
    {"branches", emit_branches, plain_branches},
};
static const struct scenario walkers = {"walkers", emit_walkers, plain_walkers};

static void emit_scenario(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct scenario *scenario = arg;
    em_ptr log = em_argument(em, EM_DST);
    scenario->emit(em, log, em_first_unit(em), em_last_unit(em));
    note_constant(em, log, 4711);
}

/* `unit` is what the numbers of the C side count in. */
static bool scenario_is_right(const struct words *target, const struct scenario *scenario, int64_t unit)
{
    struct plan plan = words_plan(target);
    struct words_kernel words = words_open_plan(&plan, emit_scenario, scenario);
    bool right = true;
    for (int64_t a = -2; a < 5 && right; a++)
        for (int64_t b = -3; b < 11 && right; b++) {
            int64_t got[LOG] = {0};
            struct plain_log want = {{0}};
            scenario->plain(&want, a, b);
            for (int64_t i = 1; i <= want.number[0]; i++)
                want.number[i] *= unit;
            plain_note(&want, 4711);
            words.run(got, got, NULL, NULL, NULL, NULL, a, b);
            right = memcmp(got, want.number, sizeof got) == 0 ||
                    words_wrong(target, "%s from %lld to %lld", scenario->name, (long long)a, (long long)b);
        }
    words_close(&words);
    return right;
}

static bool flow_is_right(const struct words *target, const void *arg)
{
    (void)arg;
    bool right = true;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        right = scenario_is_right(target, &scenarios[i], 1) && right;
    return right;
}

static void loops_and_branches_run_as_in_c(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(flow_is_right, NULL), 0);
}

static bool walkers_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    return scenario_is_right(target, &walkers, dtype_bytes(target->dtype));
}

static void walkers_take_a_step_in_each_turn(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(walkers_are_right, NULL), 0);
}

/* ---- Loops that are none ---- */

static void emit_single_turns(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    int turns = 0;
    EM_FOR(em, none, em_i(em, 3), em_i(em, 3))
    turns++;
    EM_FOR(em, never, em_i(em, 3), em_i(em, -1))
    turns++;
    assert_int_equal(turns, 0);
    EM_FOR(em, once, em_i(em, -5), em_i(em, -4))
    {
        int64_t at = 0;
        turns++;
        assert_true(em_known(once.at, &at));
        assert_int_equal(at, -5);
    }
    EM_STREAM(em, stream, em_i(em, 16), em_i(em, 24), 8)
    {
        int64_t at = 0;
        turns++;
        assert_true(em_known(stream.at, &at));
        assert_int_equal(at, 16);
    }
    assert_int_equal(turns, 2);
    EM_FOR(em, twice, em_i(em, 0), em_i(em, 2))
    {
        int64_t at;
        turns++;
        assert_false(em_known(twice.at, &at));
    }
    assert_int_equal(turns, 3);
}

static void a_loop_of_one_known_turn_is_no_loop(void **state)
{
    (void)state;
    struct plan plan = words_plan(&(struct words){CJ_ISA_SSE2, CJ_F32, 1});
    words_run(&plan, emit_single_turns, NULL, &(struct words_call){.dst = NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_and_branches_run_as_in_c),
        cmocka_unit_test(walkers_take_a_step_in_each_turn),
        cmocka_unit_test(a_loop_of_one_known_turn_is_no_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
