/* Loops and branches: how often they turn, with bounds known when code runs and known at emission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "words/words.h"

#include <string.h>

static const struct words plain = {CJ_ISA_SSE2, CJ_F64, 1};

/* The loop that an emission is of: from begin to end where `known`, else from the first unit to the last. */
struct loop {
    bool known, stream;
    int64_t begin, end, step;
};

static em_int bound(struct em *em, const struct loop *loop, bool end)
{
    if (loop->known)
        return em_i(em, end ? loop->end : loop->begin);
    return end ? em_last_unit(em) : em_first_unit(em);
}

static void increment(struct em *em, em_ptr at)
{
    em_store(em, at, em_vadd(em, em_load(em, at), em_vconst(em, 1)));
}

/* dst[i]++ for the counter i of each turn, weights[turn]++ by a pointer that walks. */
static void emit_loop(struct em *em, const void *arg)
{
    const struct loop *loop = arg;
    em_ptr dst = em_argument(em, EM_DST), walked = em_argument(em, EM_WEIGHTS);
    if (loop->stream) {
        EM_STREAM(em, i, bound(em, loop, false), bound(em, loop, true), loop->step)
        {
            increment(em, em_offset(em, dst, i.at));
            increment(em, em_walk(&i, walked, 1));
        }
    } else {
        EM_FOR(em, i, bound(em, loop, false), bound(em, loop, true))
        {
            increment(em, em_offset(em, dst, i.at));
            increment(em, em_walk(&i, walked, 1));
        }
    }
}

static void check_loop(const struct loop *loop)
{
    double dst[40] = {0}, walked[40] = {0}, want[40] = {0}, want_walked[40] = {0};
    struct words_kernel kernel = words_open(&plain, emit_loop, loop);
    kernel.run(dst, NULL, walked, NULL, NULL, NULL, loop->begin, loop->end);
    words_close(&kernel);
    int64_t turn = 0;
    for (int64_t i = loop->begin; i < loop->end; i += loop->step) {
        want[i]++;
        want_walked[turn++]++;
    }
    assert_memory_equal(dst, want, sizeof want);
    assert_memory_equal(walked, want_walked, sizeof want);
}

static void loops_turn_as_often_as_in_c(void **state)
{
    (void)state;
    static const int64_t bounds[][2] = {{0, 0}, {0, 1}, {3, 4}, {0, 2}, {5, 17}, {9, 3}, {4, 4}, {0, 32}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        for (int known = 0; known < 2; known++) {
            check_loop(&(struct loop){known, false, bounds[i][0], bounds[i][1], 1});
            for (int64_t step = 1; step <= 4; step++)
                check_loop(&(struct loop){known, true, bounds[i][0], bounds[i][1], step});
        }
}

/* dst[8*i + j]++ where i < j: a branch within two loops, one of them with an end that turns change. */
static void emit_nest(struct em *em, const void *arg)
{
    (void)arg;
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    {
        EM_FOR(em, j, em_i(em, 0), em_addc(em, i.at, 3))
        {
            EM_IF(em, em_lt(em, i.at, j.at))
            increment(em, em_offset(em, em_argument(em, EM_DST), em_add(em, em_mulc(em, i.at, 8), j.at)));
        }
    }
}

static void loops_and_branches_nest(void **state)
{
    (void)state;
    double dst[64] = {0}, want[64] = {0};
    struct words_kernel kernel = words_open(&plain, emit_nest, NULL);
    kernel.run(dst, NULL, NULL, NULL, NULL, NULL, 1, 5);
    words_close(&kernel);
    for (int i = 1; i < 5; i++)
        for (int j = 0; j < i + 3; j++)
            want[8 * i + j] += i < j;
    assert_memory_equal(dst, want, sizeof want);
}

/* dst[0] = the sum of src[first .. last) through a variable: it lives across turns. */
static void emit_sum(struct em *em, const void *arg)
{
    (void)arg;
    em_var sum = em_var_new(em, em_vconst(em, 0));
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    em_set(em, sum, em_vadd(em, em_get(em, sum), em_load(em, em_offset(em, em_argument(em, EM_SRC), i.at))));
    em_store(em, em_argument(em, EM_DST), em_get(em, sum));
}

static void variables_live_across_turns(void **state)
{
    (void)state;
    static const double src[] = {1, 2, 4, 8, 16};
    double dst = -1;
    struct words_kernel kernel = words_open(&plain, emit_sum, NULL);
    kernel.run(&dst, src, NULL, NULL, NULL, NULL, 1, 4);
    assert_true(dst == 14);
    kernel.run(&dst, src, NULL, NULL, NULL, NULL, 4, 4);
    assert_true(dst == 0);
    words_close(&kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_turn_as_often_as_in_c),
        cmocka_unit_test(loops_and_branches_nest),
        cmocka_unit_test(variables_live_across_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
