/* The cache's invariants under threads: one make for each key, hits that never wait, failures that are shared
 * and then forgotten, and right answers where all hashes are equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#undef fail /* status.h has a function of that name */

#include "../runtime/kernel.h"
#include "../runtime/memcache.h"
#include "../src/status.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 8, KEYS = 12 };

/* A kernel with mapped code but no plan; `tag` tells it from others. */
static cj_kernel *new_kernel(int64_t tag)
{
    static unsigned char ret[] = {0xc3};
    cj_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel || loader_map(&(struct blob){.bytes = ret, .size = 1}, &kernel->code) != CJ_OK)
        abort();
    atomic_init(&kernel->holders, 1);
    kernel->entry = (kernel_fn *)(uintptr_t)kernel->code.pages;
    kernel->plan.units = tag;
    return kernel;
}

/* One way to make a kernel, with everything that the tests vary. */
struct recipe {
    int64_t tag;
    unsigned sleep_us;
    sem_t *started, *go; /* if not NULL: post the first, then wait for the second */
    int timed_out;
    cj_status status;
    atomic_int *makes;
};

static cj_status make(void *arg, cj_kernel **kernel)
{
    struct recipe *recipe = arg;
    int number = atomic_fetch_add(recipe->makes, 1);
    if (recipe->started) {
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_sec += 20;
        sem_post(recipe->started);
        recipe->timed_out = sem_timedwait(recipe->go, &limit) != 0;
    }
    usleep(recipe->sleep_us);
    if (recipe->status != CJ_OK)
        return fail(recipe->status, "attempt %d for key %lld", number, (long long)recipe->tag);
    *kernel = new_kernel(recipe->tag);
    return CJ_OK;
}

/* Keys are numbers. `equal_hashes` forces all of them into one chain. */
struct fixture {
    struct memcache cache;
    int equal_hashes;
    atomic_int makes;
};

static cj_status get(struct fixture *f, struct recipe *recipe, cj_kernel **kernel,
                     enum memcache_outcome *outcome)
{
    uint64_t spread = (uint64_t)recipe->tag * 0x9e3779b97f4a7c15u;
    struct key_hash hash = f->equal_hashes ? (struct key_hash){0, 0} : (struct key_hash){spread, spread >> 32};
    struct memcache_key key = {&recipe->tag, sizeof recipe->tag, hash};
    recipe->makes = &f->makes;
    return memcache_get(&f->cache, &key, &(struct memcache_maker){make, recipe}, kernel, outcome);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f && memcache_init(&f->cache) == CJ_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memcache_free(&f->cache);
    free(f);
    return 0;
}

static void the_second_lookup_is_a_hit(void **state)
{
    struct fixture *f = *state;
    cj_kernel *first, *second;
    enum memcache_outcome outcome;
    assert_int_equal(get(f, &(struct recipe){.tag = 7}, &first, &outcome), CJ_OK);
    assert_int_equal(outcome, MEMCACHE_MADE);
    assert_int_equal(first->holders, 2);
    assert_int_equal(get(f, &(struct recipe){.tag = 7}, &second, &outcome), CJ_OK);
    assert_int_equal(outcome, MEMCACHE_HIT);
    assert_ptr_equal(first, second);
    assert_int_equal(first->holders, 3);
    assert_int_equal(f->makes, 1);
    cj_release(first);
    cj_release(second);
    assert_int_equal(first->holders, 1);
}

static void many_keys_are_found_again(struct fixture *f, int keys)
{
    for (int round = 0; round < 2; round++) {
        for (int tag = 0; tag < keys; tag++) {
            cj_kernel *kernel;
            enum memcache_outcome outcome;
            assert_int_equal(get(f, &(struct recipe){.tag = tag}, &kernel, &outcome), CJ_OK);
            assert_int_equal(outcome, round == 0 ? MEMCACHE_MADE : MEMCACHE_HIT);
            assert_int_equal(kernel->plan.units, tag);
            cj_release(kernel);
        }
    }
    assert_int_equal(f->makes, keys);
}

static void the_table_grows(void **state)
{
    many_keys_are_found_again(*state, 2000);
}

static void equal_hashes_give_the_right_kernels(void **state)
{
    struct fixture *f = *state;
    f->equal_hashes = 1;
    many_keys_are_found_again(f, 200);
}

static void a_key_is_not_its_own_beginning(void **state)
{
    struct fixture *f = *state;
    static const char bytes[] = "a longer key";
    struct recipe recipes[] = {{.tag = 1, .makes = &f->makes}, {.tag = 2, .makes = &f->makes}};
    static const size_t sizes[] = {sizeof bytes, 8};
    for (int i = 0; i < 2; i++) {
        cj_kernel *kernel;
        enum memcache_outcome outcome;
        struct memcache_key key = {bytes, sizes[i], {5, 5}};
        assert_int_equal(
            memcache_get(&f->cache, &key, &(struct memcache_maker){make, &recipes[i]}, &kernel, &outcome),
            CJ_OK);
        assert_int_equal(kernel->plan.units, i + 1);
        cj_release(kernel);
    }
}

static void a_failure_is_not_kept(void **state)
{
    struct fixture *f = *state;
    cj_kernel *kernel = NULL;
    enum memcache_outcome outcome;
    assert_int_equal(get(f, &(struct recipe){.tag = 7, .status = CJ_COMPILE}, &kernel, &outcome), CJ_COMPILE);
    assert_string_equal(cj_last_error(), "attempt 0 for key 7");
    assert_null(kernel);
    assert_int_equal(get(f, &(struct recipe){.tag = 7}, &kernel, &outcome), CJ_OK);
    assert_int_equal(outcome, MEMCACHE_MADE);
    cj_release(kernel);
}

/* One thread's share of a test. Assertions are the main thread's: CMocka's do not work in others. */
struct worker {
    struct fixture *f;
    pthread_t thread;
    struct recipe recipe;
    cj_kernel *kernel;
    enum memcache_outcome outcome;
    cj_status status;
    char sentence[PLUGIN_ERROR_SIZE];
    int wrong;
};

static void *get_once(void *arg)
{
    struct worker *w = arg;
    w->status = get(w->f, &w->recipe, &w->kernel, &w->outcome);
    snprintf(w->sentence, sizeof w->sentence, "%s", cj_last_error());
    return NULL;
}

static void *get_all(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < 4 * KEYS; i++) {
        struct recipe recipe = {.tag = (i + w->recipe.tag) % KEYS, .sleep_us = 2000};
        cj_kernel *kernel;
        if (get(w->f, &recipe, &kernel, &w->outcome) != CJ_OK) {
            w->wrong++;
            continue;
        }
        w->wrong += kernel->plan.units != recipe.tag;
        kernel->entry(NULL, NULL, NULL, NULL, NULL, NULL, 0, 0);
        cj_release(kernel);
    }
    return NULL;
}

static void start(struct worker *w, void *(*body)(void *))
{
    assert_int_equal(pthread_create(&w->thread, NULL, body, w), 0);
}

static void many_threads_make_each_key_once(void **state)
{
    struct fixture *f = *state;
    for (int equal = 0; equal < 2; equal++) {
        struct worker workers[THREADS] = {{0}};
        memcache_free(&f->cache);
        assert_int_equal(memcache_init(&f->cache), CJ_OK);
        f->equal_hashes = equal;
        atomic_store(&f->makes, 0);
        for (int i = 0; i < THREADS; i++) {
            workers[i] = (struct worker){.f = f, .recipe = {.tag = i / 2}};
            start(&workers[i], get_all);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_int_equal(workers[i].wrong, 0);
        }
        assert_int_equal(f->makes, KEYS);
    }
}

/* The maker goes on only after the hits are done: a hit that waited for it would end in its time limit. */
static void hits_do_not_wait_for_a_make(void **state)
{
    struct fixture *f = *state;
    sem_t started, go;
    cj_kernel *kernel;
    enum memcache_outcome outcome;
    f->equal_hashes = 1;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    assert_int_equal(get(f, &(struct recipe){.tag = 1}, &kernel, &outcome), CJ_OK);
    cj_release(kernel);
    struct worker slow = {.f = f, .recipe = {.tag = 2, .started = &started, .go = &go}};
    start(&slow, get_once);
    sem_wait(&started);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(get(f, &(struct recipe){.tag = 1}, &kernel, &outcome), CJ_OK);
        assert_int_equal(outcome, MEMCACHE_HIT);
        cj_release(kernel);
    }
    assert_int_equal(get(f, &(struct recipe){.tag = 3}, &kernel, &outcome), CJ_OK); /* nor does another make */
    assert_int_equal(outcome, MEMCACHE_MADE);
    cj_release(kernel);
    sem_post(&go);
    pthread_join(slow.thread, NULL);
    assert_false(slow.recipe.timed_out);
    assert_int_equal(slow.status, CJ_OK);
    cj_release(slow.kernel);
    sem_destroy(&started);
    sem_destroy(&go);
}

/* One maker, held back until the others have had time to ask; then all have its result. */
static void meet_one_maker(struct fixture *f, cj_status status, struct worker workers[THREADS])
{
    sem_t started, go;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    workers[0] = (struct worker){.f = f, .recipe = {.started = &started, .go = &go, .status = status}};
    start(&workers[0], get_once);
    sem_wait(&started);
    for (int i = 1; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .recipe = {.status = status}};
        start(&workers[i], get_once);
    }
    usleep(300000);
    sem_post(&go);
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    sem_destroy(&started);
    sem_destroy(&go);
}

static void those_who_wait_get_the_same_kernel(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    meet_one_maker(f, CJ_OK, workers);
    assert_int_equal(f->makes, 1);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CJ_OK);
        assert_int_equal(workers[i].outcome, i == 0 ? MEMCACHE_MADE : MEMCACHE_WAITED);
        assert_ptr_equal(workers[i].kernel, workers[0].kernel);
    }
    assert_int_equal(workers[0].kernel->holders, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        cj_release(workers[i].kernel);
}

static void those_who_wait_get_the_same_sentence(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    meet_one_maker(f, CJ_SYSTEM, workers);
    assert_int_equal(f->makes, 1);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CJ_SYSTEM);
        assert_int_equal(workers[i].outcome, i == 0 ? MEMCACHE_MADE : MEMCACHE_WAITED);
        assert_string_equal(workers[i].sentence, "attempt 0 for key 0");
        assert_null(workers[i].kernel);
    }
}

static void *run_and_release(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < 1000; i++) {
        cj_kernel *mine = cj_retain(w->kernel);
        mine->entry(NULL, NULL, NULL, NULL, NULL, NULL, 0, 0);
        cj_release(mine);
    }
    cj_release(w->kernel);
    return NULL;
}

static void kernels_outlive_the_table(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(get(f, &(struct recipe){.tag = 1}, &workers[i].kernel, &workers[i].outcome), CJ_OK);
        start(&workers[i], run_and_release);
    }
    memcache_free(&f->cache);
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_int_equal(memcache_init(&f->cache), CJ_OK); /* for tear_down */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_second_lookup_is_a_hit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_table_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_hashes_give_the_right_kernels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_not_its_own_beginning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_threads_make_each_key_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hits_do_not_wait_for_a_make, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_who_wait_get_the_same_kernel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_who_wait_get_the_same_sentence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kernels_outlive_the_table, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
