/* The twelve functional calls with the code generator itself, from many threads at once, against the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 6, BATCH = 2 };

typedef cj_status functional(cj_context *, const cj_conv_desc *, int64_t, const cj_tensors *,
                             const cj_parallel *);

static const struct row {
    functional *function;
    cj_op op;
    int rank;
    bool depthwise;
} rows[] = {
    {cj_conv1d, CJ_CONV, 1, false},
    {cj_conv2d, CJ_CONV, 2, false},
    {cj_conv3d, CJ_CONV, 3, false},
    {cj_conv_transpose1d, CJ_CONV_TRANSPOSE, 1, false},
    {cj_conv_transpose2d, CJ_CONV_TRANSPOSE, 2, false},
    {cj_conv_transpose3d, CJ_CONV_TRANSPOSE, 3, false},
    {cj_depthwise_conv1d, CJ_CONV, 1, true},
    {cj_depthwise_conv2d, CJ_CONV, 2, true},
    {cj_depthwise_conv3d, CJ_CONV, 3, true},
    {cj_separable_conv1d, CJ_SEPARABLE, 1, false},
    {cj_separable_conv2d, CJ_SEPARABLE, 2, false},
    {cj_separable_conv3d, CJ_SEPARABLE, 3, false},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* A row's convolution as the call gets it, as it is meant, and what it should give. */
struct layer {
    cj_conv_desc given, meant;
    struct check check;
    float *value[OPERANDS];
};

static void open_layer(struct layer *l, const struct row *row)
{
    cj_conv_desc d = {
        .in_channels = 9,
        .out_channels = row->depthwise ? 0 : 11,
        .bias = 1,
        .post = {{.kind = CJ_POST_SCALE_SHIFT}, {.kind = CJ_POST_RESIDUAL}, {.kind = CJ_POST_RELU}}};
    for (int i = 0; i < row->rank; i++) {
        d.input[i] = 5 + i;
        d.kernel[i] = 3;
        d.stride[i] = 1 + i % 2;
        d.pad_lo[i] = d.pad_hi[i] = 1;
    }
    l->given = l->meant = d;
    l->meant.op = row->op;
    l->meant.rank = row->rank;
    if (row->depthwise)
        l->meant.groups = l->meant.out_channels = d.in_channels;
    l->check = check_open(&l->meant, BATCH, 3);
    for (int which = 0; which < OUTPUT; which++) {
        l->value[which] = calloc((size_t)l->check.problem.count[which] + 1, sizeof(float));
        for (int64_t i = 0; i < l->check.problem.count[which]; i++)
            l->value[which][i] = (float)l->check.problem.value[which][i];
    }
}

static void close_layer(struct layer *l)
{
    for (int which = 0; which < OUTPUT; which++)
        free(l->value[which]);
    check_close(&l->check);
}

/* One thread's calls. */
struct worker {
    pthread_t thread;
    cj_context *context;
    const struct layer *layers;
    int number, wrong;
};

static bool is_right(const struct layer *l, const float *output)
{
    const struct check *check = &l->check;
    for (int64_t i = 0; i < check->problem.count[OUTPUT]; i++)
        if (!(fabs((double)output[i] - check->want[i]) <= 0x1p-20 * (check->bound[i] + 1e-3)))
            return false;
    return true;
}

static bool call(struct worker *w, int row, const cj_parallel *parallel)
{
    const struct layer *l = &w->layers[row];
    size_t bytes = (size_t)l->check.problem.count[OUTPUT] * sizeof(float);
    float *output = malloc(bytes);
    memset(output, 0xff, bytes);
    cj_tensors tensors = {.output = output,
                          .input = l->value[INPUT],
                          .weight = l->value[WEIGHT],
                          .pointwise = l->meant.op == CJ_SEPARABLE ? l->value[POINTWISE] : NULL,
                          .bias = l->value[BIAS],
                          .residual = l->value[RESIDUAL],
                          .scale = l->value[SCALE],
                          .shift = l->value[SHIFT]};
    cj_status status = rows[row].function(w->context, &l->given, BATCH, &tensors, parallel);
    bool right = status == CJ_OK && is_right(l, output);
    if (!right)
        check_complain(&l->meant, BATCH, "%s", status == CJ_OK ? "a wrong output" : cj_last_error());
    free(output);
    return right;
}

/* Every thread starts elsewhere; those with an odd number have a pool. */
static void *call_all(void *arg)
{
    struct worker *w = arg;
    cj_pool *pool;
    if (cj_pool_create(1 + w->number % 2, &pool) != CJ_OK)
        abort();
    for (int i = 0; i < ROUNDS * ROWS; i++)
        w->wrong += !call(w, (i + w->number) % ROWS, w->number % 2 ? cj_pool_parallel(pool) : NULL);
    cj_pool_destroy(pool);
    return NULL;
}

static int run_workers(cj_context *context, const struct layer *layers)
{
    struct worker workers[THREADS];
    int wrong = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.context = context, .layers = layers, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, call_all, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        wrong += workers[i].wrong;
    }
    return wrong;
}

static void threads_call_all_twelve(void **state)
{
    (void)state;
    cj_context *context;
    struct layer layers[ROWS];
    cj_counters counters;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    for (int i = 0; i < ROWS; i++)
        open_layer(&layers[i], &rows[i]);
    int wrong = run_workers(context, layers);
    cj_context_counters(context, &counters);
    for (int i = 0; i < ROWS; i++)
        close_layer(&layers[i]);
    cj_context_destroy(context);
    assert_int_equal(wrong, 0);
    assert_int_equal(counters.hits + counters.misses, THREADS * ROUNDS * ROWS);
    assert_int_equal(counters.compiles, ROWS);
    assert_int_equal(counters.kernels, ROWS);
    assert_in_range(counters.misses, ROWS, THREADS * ROWS);
    assert_true(counters.code_bytes > 0);
    assert_true(counters.compile_ns > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_call_all_twelve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
