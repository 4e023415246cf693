/* Each index once, on no more threads than asked for, whatever the number of indices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <convjit/convjit.h>

#include <pthread.h>
#include <string.h>

enum { MOST = 64 };

/* What a round left behind. Not atomic: the end of a round must make it visible. */
struct round {
    int calls[MOST];
    pthread_t thread[MOST];
};

static void note(void *arg, int index)
{
    struct round *round = arg;
    round->calls[index]++;
    round->thread[index] = pthread_self();
}

static int distinct_threads(const struct round *round, int indices)
{
    int distinct = 0;
    for (int i = 0; i < indices; i++) {
        int j = 0;
        while (j < i && !pthread_equal(round->thread[i], round->thread[j]))
            j++;
        distinct += j == i;
    }
    return distinct;
}

static void each_index_runs_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        cj_pool *pool;
        assert_int_equal(cj_pool_create(threads, &pool), CJ_OK);
        const cj_parallel *parallel = cj_pool_parallel(pool);
        assert_int_equal(parallel->threads, threads);
        for (int indices = 0; indices <= 12; indices++) {
            struct round round = {0};
            parallel->run(parallel->pool, indices, note, &round);
            for (int i = 0; i < MOST; i++)
                assert_int_equal(round.calls[i], i < indices);
            assert_int_equal(distinct_threads(&round, indices), indices < threads ? indices : threads);
        }
        cj_pool_destroy(pool);
    }
}

static void the_caller_takes_part_and_workers_keep_their_indices(void **state)
{
    (void)state;
    cj_pool *pool;
    assert_int_equal(cj_pool_create(4, &pool), CJ_OK);
    const cj_parallel *parallel = cj_pool_parallel(pool);
    struct round first = {0};
    parallel->run(parallel->pool, 8, note, &first);
    assert_true(pthread_equal(first.thread[0], pthread_self()));
    for (int i = 0; i < 100; i++) {
        struct round again = {0};
        parallel->run(parallel->pool, 8, note, &again);
        for (int index = 0; index < 8; index++)
            assert_true(pthread_equal(first.thread[index], again.thread[index]));
    }
    cj_pool_destroy(pool);
}

static void add_one(void *arg, int index)
{
    ((long *)arg)[index]++;
}

static void many_short_rounds_lose_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 5000 };
    long sums[3] = {0};
    cj_pool *pool;
    assert_int_equal(cj_pool_create(3, &pool), CJ_OK);
    const cj_parallel *parallel = cj_pool_parallel(pool);
    for (int i = 0; i < ROUNDS; i++)
        parallel->run(parallel->pool, 1 + i % 3, add_one, sums);
    assert_int_equal(sums[0], ROUNDS);
    assert_int_equal(sums[1], ROUNDS - (ROUNDS + 2) / 3);
    assert_int_equal(sums[2], ROUNDS / 3);
    cj_pool_destroy(pool);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    static const int wrong[] = {0, -1, 1025, -2147483647 - 1, 2147483647};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cj_pool *pool = (cj_pool *)&pool;
        assert_int_equal(cj_pool_create(wrong[i], &pool), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "threads is "));
        assert_null(pool);
    }
    assert_int_equal(cj_pool_create(1, NULL), CJ_INVALID);
    cj_pool_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_runs_once),
        cmocka_unit_test(the_caller_takes_part_and_workers_keep_their_indices),
        cmocka_unit_test(many_short_rounds_lose_nothing),
        cmocka_unit_test(wrong_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
