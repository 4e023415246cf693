/* Threads that wait for a run's indices. Worker w takes indices w, w + threads, ...: the same worker gets the
 * same part of equal runs, so its cache stays warm. The thread that runs is worker 0. */
#include "../src/status.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 1024 };

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
    /* Under the lock: */
    uint64_t round; /* counts runs, so that a worker knows a new one */
    bool closing;
    int indices; /* of this round; workers with a number below it take part */
    int busy;    /* workers, the caller not counted, that have not finished their part */
    void (*task)(void *arg, int index);
    void *arg;
    struct worker workers[]; /* number 0 is the caller's and has no thread */
};

/* The part of worker `number`. Nobody changes a round's fields as long as one of its workers is busy. */
static void work(const struct cj_pool *pool, int number)
{
    for (int index = number; index < pool->indices; index += pool->parallel.threads)
        pool->task(pool->arg, index);
}

static void *worker_main(void *arg)
{
    const struct worker *worker = arg;
    struct cj_pool *pool = worker->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (pool->round == seen) {
            pthread_cond_wait(&pool->begin, &pool->lock);
            continue;
        }
        seen = pool->round;
        if (worker->number >= pool->indices)
            continue;
        pthread_mutex_unlock(&pool->lock);
        work(pool, worker->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->end);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* A cj_parallel's run. */
static void pool_run(void *arg, int threads, void (*task)(void *arg, int index), void *task_arg)
{
    struct cj_pool *pool = arg;
    int taking_part = threads < pool->parallel.threads ? threads : pool->parallel.threads;
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->arg = task_arg;
    pool->indices = threads;
    pool->busy = taking_part - 1;
    pool->round++;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
    work(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->end, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
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
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
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
