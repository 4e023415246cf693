/* Threads that wait for a run's indices. Worker w takes indices w, w + threads, ...: the same worker gets the
 * same part of equal runs, so its cache stays warm. The thread that runs is worker 0.
 *
 * To wake a thread takes 40 us on a virtual machine (Zen 4) and 5 us without one, as long as a small layer
 * takes as a whole. So whoever waits watches an atomic for a while before it sleeps under the lock: a network's
 * layers follow each other within that time, and a program that does something else loses no more than it. */
#include "../src/status.h"
#include "clock.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 1024 };

/* Twice what a wake-up takes. Between two looks at the clock other threads get the core if they want it. */
enum { WATCH_NS = 100000, LOOKS = 64 };

/* A ticket is the round's number, and the workers that take part in it in the lowest bits. */
enum { TICKET_SHIFT = 16 };

struct worker {
    struct cj_pool *pool;
    pthread_t thread;
    int number;
};

struct cj_pool {
    cj_parallel parallel;
    int started; /* workers that have a thread */
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    _Atomic uint64_t ticket; /* of the round that began last; CLOSING ends the workers */
    atomic_int busy;         /* workers, the caller not counted, that have not finished their part */
    atomic_int asleep;       /* workers that wait for `begin`, or are about to */
    atomic_bool caller_asleep;
    /* Written before the round's ticket, and left alone as long as a worker is busy: */
    int indices;
    void (*task)(void *arg, int index);
    void *arg;
    struct worker workers[]; /* number 0 is the caller's and has no thread */
};

static const uint64_t CLOSING = UINT64_MAX;

/* Tells the core that this is a loop that waits, so that it does not take the other hyperthread's time. */
static void relax(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#endif
}

static bool new_ticket(struct cj_pool *pool, uint64_t seen)
{
    return atomic_load(&pool->ticket) != seen;
}

static bool all_done(struct cj_pool *pool, uint64_t unused)
{
    (void)unused;
    return atomic_load(&pool->busy) == 0;
}

/* Whether it happened within WATCH_NS. */
static bool watch(struct cj_pool *pool, bool (*happened)(struct cj_pool *pool, uint64_t seen), uint64_t seen)
{
    uint64_t until = now_ns() + WATCH_NS;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (happened(pool, seen))
                return true;
            relax();
        }
        sched_yield();
    } while (now_ns() < until);
    return false;
}

/* The sleeper counts itself before it looks for the last time, and the waker looks for sleepers after it has
 * changed what they wait for, so one of the two sees the other. */
static uint64_t next_ticket(struct cj_pool *pool, uint64_t seen)
{
    if (!watch(pool, new_ticket, seen)) {
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add(&pool->asleep, 1);
        while (!new_ticket(pool, seen))
            pthread_cond_wait(&pool->begin, &pool->lock);
        atomic_fetch_sub(&pool->asleep, 1);
        pthread_mutex_unlock(&pool->lock);
    }
    return atomic_load(&pool->ticket);
}

static void wait_for_workers(struct cj_pool *pool)
{
    if (watch(pool, all_done, 0))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_asleep, true);
    while (!all_done(pool, 0))
        pthread_cond_wait(&pool->end, &pool->lock);
    atomic_store(&pool->caller_asleep, false);
    pthread_mutex_unlock(&pool->lock);
}

/* Begins a round, or the end. */
static void issue_ticket(struct cj_pool *pool, uint64_t ticket)
{
    atomic_store(&pool->ticket, ticket);
    if (atomic_load(&pool->asleep) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
}

static void finish_part(struct cj_pool *pool)
{
    if (atomic_fetch_sub(&pool->busy, 1) != 1 || !atomic_load(&pool->caller_asleep))
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->end);
    pthread_mutex_unlock(&pool->lock);
}

static void work(const struct cj_pool *pool, int number)
{
    for (int index = number; index < pool->indices; index += pool->parallel.threads)
        pool->task(pool->arg, index);
}

static void *worker_main(void *arg)
{
    const struct worker *worker = arg;
    struct cj_pool *pool = worker->pool;
    uint64_t ticket = 0;
    while ((ticket = next_ticket(pool, ticket)) != CLOSING) {
        /* A worker that takes no part reads nothing else: the next round may be written already. */
        if ((uint64_t)worker->number >= (ticket & ((1u << TICKET_SHIFT) - 1)))
            continue;
        work(pool, worker->number);
        finish_part(pool);
    }
    return NULL;
}

/* A cj_parallel's run. */
static void pool_run(void *arg, int threads, void (*task)(void *arg, int index), void *task_arg)
{
    struct cj_pool *pool = arg;
    int taking_part = threads < pool->parallel.threads ? threads : pool->parallel.threads;
    pool->task = task;
    pool->arg = task_arg;
    pool->indices = threads;
    atomic_store(&pool->busy, taking_part > 0 ? taking_part - 1 : 0);
    uint64_t round = atomic_load(&pool->ticket) >> TICKET_SHIFT;
    issue_ticket(pool, (round + 1) << TICKET_SHIFT | (uint64_t)taking_part);
    work(pool, 0);
    wait_for_workers(pool);
}

/* The program's signal handlers run in its own threads, never in these. */
static int start_worker(struct cj_pool *pool, int number)
{
    struct worker *worker = &pool->workers[number];
    *worker = (struct worker){.pool = pool, .number = number};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static cj_status start_workers(struct cj_pool *pool)
{
    for (; pool->started < pool->parallel.threads; pool->started++) {
        int error = start_worker(pool, pool->started);
        if (error)
            return fail(CJ_SYSTEM, "thread %d of %d could not be started: %s", pool->started + 1,
                        pool->parallel.threads, strerror(error));
    }
    return CJ_OK;
}

cj_status cj_pool_create(int threads, cj_pool **pool)
{
    if (!pool)
        return fail(CJ_INVALID, "pool is NULL");
    *pool = NULL;
    if (threads < 1 || threads > MOST_THREADS)
        return fail(CJ_INVALID, "threads is %d; it must be 1 to %d", threads, MOST_THREADS);
    struct cj_pool *made = calloc(1, sizeof *made + (size_t)threads * sizeof *made->workers);
    if (!made)
        return fail(CJ_NO_MEMORY, "no memory for a pool of %d threads", threads);
    made->parallel = (cj_parallel){.threads = threads, .run = pool_run, .pool = made};
    made->started = 1; /* the caller */
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->begin, NULL);
    pthread_cond_init(&made->end, NULL);
    cj_status status = start_workers(made);
    if (status != CJ_OK)
        cj_pool_destroy(made);
    else
        *pool = made;
    return status;
}

void cj_pool_destroy(cj_pool *pool)
{
    if (!pool)
        return;
    issue_ticket(pool, CLOSING);
    for (int i = 1; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->end);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

const cj_parallel *cj_pool_parallel(const cj_pool *pool)
{
    return &pool->parallel;
}
