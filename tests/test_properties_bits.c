/* label: full */
/* What may not change a bit of the result: threads and who runs them, how a batch is split, what output and
 * scratch held before, where buffers lie, which context made the kernel. And what the compiler says twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/property.h"
#include "support/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 8 };
static const struct manner plain = {.side = GUARD_BEHIND, .fill = 0xff};

/* A random convolution of some algorithm, run once in the plain manner. */
struct trial {
    cj_conv_desc desc;
    struct problem problem;
    double *first;
    bool right;
};

static void open_trial_of(struct trial *t, cj_context *context, const cj_conv_desc *desc, int64_t batch,
                          unsigned seed)
{
    t->desc = *desc;
    t->problem = problem_new(&t->desc, batch, seed);
    t->first = calloc((size_t)t->problem.count[OUTPUT] + 1, sizeof *t->first);
    t->right = check_run(context, &t->problem, &plain);
    memcpy(t->first, t->problem.value[OUTPUT], (size_t)t->problem.count[OUTPUT] * sizeof *t->first);
}

static void open_trial(struct trial *t, cj_context *context, const struct sweep_op *op, int64_t batch,
                       unsigned seed)
{
    cj_conv_desc desc = property_desc(op, &seed);
    open_trial_of(t, context, &desc, batch, seed);
}

/* Run again; the bits must be those of the first time. */
static void again(struct trial *t, cj_context *context, const struct manner *manner, const char *what)
{
    t->right = t->right && check_run(context, &t->problem, manner) &&
               check_bits(&t->problem, t->problem.value[OUTPUT], t->first, what);
}

static bool close_trial(struct trial *t)
{
    problem_free(&t->problem);
    free(t->first);
    return t->right;
}

/* ---- Threads ---- */

struct job {
    pthread_t thread;
    void (*task)(void *arg, int index);
    void *arg;
    int index;
};

static void *run_job(void *arg)
{
    struct job *job = arg;
    job->task(job->arg, job->index);
    return NULL;
}

/* A caller's parallel-for: a thread for each index, the last one first. */
static void in_threads(void *pool, int threads, void (*task)(void *arg, int index), void *arg)
{
    struct job jobs[MOST_THREADS];
    (void)pool;
    for (int i = threads - 1; i >= 0; i--) {
        jobs[i] = (struct job){.task = task, .arg = arg, .index = i};
        if (pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++)
        pthread_join(jobs[i].thread, NULL);
}

static void try_threads(struct trial *t, cj_context *context)
{
    for (int threads = 1; threads <= MOST_THREADS; threads += 1 + threads / 3) {
        cj_pool *pool;
        if (cj_pool_create(threads, &pool) != CJ_OK)
            abort();
        struct manner manner = plain;
        manner.parallel = cj_pool_parallel(pool);
        again(t, context, &manner, "a pool");
        cj_pool_destroy(pool);
        manner.parallel = &(cj_parallel){.threads = threads, .run = in_threads};
        again(t, context, &manner, "a caller's threads");
    }
}

static bool threads_do_not_count(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    struct trial t;
    open_trial(&t, context, op, 1 + seed % 3, seed);
    try_threads(&t, context);
    return close_trial(&t);
}

static void threads(void **state)
{
    (void)state;
    assert_int_equal(property_try(threads_do_not_count, 0, SWEEP_OPS - 1), 0);
}

/* ---- Batches ---- */

static void try_cuts(struct trial *t, cj_context *context)
{
    static const int64_t cuts[][6] = {{0, 1, 2, 3, 4, 5}, {0, 2, 5}, {0, 4, 5}};
    for (int i = 0; i < 3; i++) {
        memset(t->problem.value[OUTPUT], 0, (size_t)t->problem.count[OUTPUT] * sizeof(double));
        for (int k = 0; cuts[i][k] < 5; k++) {
            struct problem part = problem_images(&t->problem, cuts[i][k], cuts[i][k + 1] - cuts[i][k]);
            t->right = t->right && check_run(context, &part, &plain);
        }
        t->right = t->right && check_bits(&t->problem, t->problem.value[OUTPUT], t->first, "a split batch");
    }
}

static bool batches_are_images(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    struct trial t;
    open_trial(&t, context, op, 5, seed);
    try_cuts(&t, context);
    return close_trial(&t);
}

static void batches(void **state)
{
    (void)state;
    assert_int_equal(property_try(batches_are_images, 0, SWEEP_OPS - 1), 0);
}

/* Images of one output pixel share tiles, whose size depends on how the batch is split. */
static bool pixels_are_images(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    struct trial t;
    unsigned state = seed;
    cj_conv_desc d = property_linear(op, true, &state);
    for (int a = 0; a < 3; a++) {
        d.kernel[a] = d.input[a];
        d.stride[a] = d.dilation[a] = 0; /* 1 */
        d.pad_lo[a] = d.pad_hi[a] = 0;
    }
    d.algorithm = "connected";
    if (d.input_layout == CJ_NCHWC && d.groups > 1)
        d.input_layout = CJ_NHWC, d.input_block = 0; /* it declines groups that begin within a block */
    open_trial_of(&t, context, &d, 5, seed);
    try_cuts(&t, context);
    try_threads(&t, context);
    return close_trial(&t);
}

static void images_of_one_pixel(void **state)
{
    (void)state;
    assert_int_equal(property_try(pixels_are_images, 0, 1), 0);
}

/* ---- Memory ---- */

static bool memory_does_not_count(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    /* Zeros, a number, the largest ones, what is not a number. */
    static const unsigned char fills[] = {0x00, 0x41, 0x7e, 0x7f, 0xff};
    struct trial t;
    open_trial(&t, context, op, 2, seed);
    for (int side = 0; side < GUARD_SIDES; side++)
        for (size_t i = 0; i < sizeof fills; i++)
            again(&t, context, &(struct manner){.side = (enum guard_side)side, .fill = fills[i]},
                  "other memory");
    return close_trial(&t);
}

static void memory(void **state)
{
    (void)state;
    assert_int_equal(property_try(memory_does_not_count, 0, SWEEP_OPS - 1), 0);
}

/* ---- Contexts ---- */

static bool keys_are_equal(cj_context *const contexts[2], const cj_conv_desc *desc)
{
    cj_kernel *kernels[2] = {NULL, NULL};
    bool right = cj_prepare(contexts[0], desc, &kernels[0]) == CJ_OK &&
                 cj_prepare(contexts[1], desc, &kernels[1]) == CJ_OK;
    right = right && kernels[0] != kernels[1] &&
            strcmp(cj_kernel_key(kernels[0]), cj_kernel_key(kernels[1])) == 0 &&
            strcmp(cj_kernel_plan(kernels[0]), cj_kernel_plan(kernels[1])) == 0;
    if (!right)
        check_complain(desc, 1, "two contexts have two keys");
    cj_release(kernels[0]);
    cj_release(kernels[1]);
    return right;
}

static bool contexts_do_not_count(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    struct trial t;
    cj_context *other;
    if (cj_context_create(NULL, &other) != CJ_OK)
        abort();
    open_trial(&t, context, op, 2, seed);
    again(&t, other, &plain, "another context");
    t.right = t.right && keys_are_equal((cj_context *const[]){context, other}, &t.desc);
    cj_context_destroy(other);
    return close_trial(&t);
}

static void contexts(void **state)
{
    (void)state;
    assert_int_equal(property_try(contexts_do_not_count, 0, SWEEP_OPS - 1), 0);
}

/* ---- Emission ---- */

static bool emission_is_a_function(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_desc(op, &seed);
    d.isa = (cj_isa)(CJ_ISA_SSE2 + seed % 3);
    bool right = true;
    for (int format = CJ_FORMAT_IR; format <= CJ_FORMAT_OBJECT && right; format++) {
        cj_emit_options options = {.format = (cj_format)format};
        void *bytes[2] = {NULL, NULL};
        size_t size[2] = {0, 0};
        for (int i = 0; i < 2; i++)
            right = right && cj_emit(context, &d, &options, &bytes[i], &size[i]) == CJ_OK;
        right = right && size[0] > 0 && size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0;
        if (!right)
            check_complain(&d, 1, "format %d: emitted twice, %zu and %zu bytes differ", format, size[0],
                           size[1]);
        cj_free(bytes[0]);
        cj_free(bytes[1]);
    }
    return right;
}

static void emission(void **state)
{
    (void)state;
    assert_int_equal(property_try(emission_is_a_function, 0, SWEEP_OPS - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads), cmocka_unit_test(batches),  cmocka_unit_test(images_of_one_pixel),
        cmocka_unit_test(memory),  cmocka_unit_test(contexts), cmocka_unit_test(emission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
