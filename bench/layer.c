/* The steady call is what is timed: packed weights, activations in the named layout in and out, no conversion
 * left out. Many short samples find the least time on a machine that others use too. */
#include "layer.h"

#include "../runtime/cli/stopwatch.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The clock has a grain of some 30 ns: this is 0.1% of a sample. */
#define SAMPLE_SECONDS 30e-6

static int64_t product(const int64_t *sizes, int count)
{
    int64_t result = 1;
    for (int i = 0; i < count; i++)
        result *= sizes[i];
    return result;
}

static size_t element_bytes(const cj_conv_desc *desc)
{
    return desc->dtype == CJ_F64 ? 8 : 4;
}

/* 64-byte aligned, from a small generator that gives the same numbers everywhere; NULL without memory. */
static void *random_tensor(const cj_conv_desc *desc, int64_t count)
{
    static const int64_t step = 7919, modulus = 16384;
    size_t bytes = (size_t)count * element_bytes(desc);
    void *data = aligned_alloc(64, (bytes / 64 + 1) * 64);
    for (int64_t i = 0; data && i < count; i++) {
        double value = (double)(i * step % modulus - modulus / 2) / (double)(modulus / 2);
        if (desc->dtype == CJ_F64)
            ((double *)data)[i] = value;
        else
            ((float *)data)[i] = (float)value;
    }
    return data;
}

/* Elements of every tensor that a convolution has; 0 for those that it has not. */
struct counts {
    int64_t input, output, weight, pointwise, channels;
};

static int no_memory(const struct layer *layer)
{
    return complain(EXIT_MACHINE, "there is no memory for the tensors of %s", layer->text);
}

static int complain_of_layer(const struct layer *layer, cj_status status)
{
    return status == CJ_OK ? EXIT_DONE
                           : complain(exit_of_status(status), "%s: %s", layer->text, cj_last_error());
}

static int count_elements(const struct layer *layer, cj_context *context, struct counts *counts)
{
    const struct layer_shape *shape = layer->shape;
    const cj_conv_desc *d = &shape->desc;
    cj_placement input, output;
    int64_t groups = d->groups ? d->groups : 1, multiplier = d->multiplier ? d->multiplier : 1;
    int rank = d->rank ? d->rank : 2;
    TRY(complain_of_layer(layer, cj_placement_of(context, d, &input, &output)));
    bool separable = d->op == CJ_SEPARABLE;
    /* One image fits in 2^60 bytes: a correct descriptor says so. A batch need not. */
    if (__builtin_mul_overflow(shape->batch, input.image_step, &counts->input) ||
        __builtin_mul_overflow(shape->batch, output.image_step, &counts->output) ||
        counts->input > INT64_MAX / 64 || counts->output > INT64_MAX / 64)
        return no_memory(layer);
    counts->weight =
        product(d->kernel, rank) * d->in_channels * (separable ? multiplier : d->out_channels / groups);
    counts->pointwise = separable ? d->in_channels * multiplier * d->out_channels : 0;
    counts->channels = d->out_channels;
    return EXIT_DONE;
}

static bool has_post(const cj_conv_desc *desc, cj_post_kind kind)
{
    for (int i = 0; i < CJ_MAX_POST; i++)
        if (desc->post[i].kind == kind)
            return true;
    return false;
}

/* A tensor that the convolution does not have stays NULL. */
static int take_tensors(struct layer *layer, const struct counts *n, int threads)
{
    const cj_conv_desc *d = &layer->shape->desc;
    bool residual = has_post(d, CJ_POST_RESIDUAL), scale = has_post(d, CJ_POST_SCALE_SHIFT);
    cj_tensors *t = &layer->tensors;
    size_t packed = cj_packed_bytes(layer->kernel), scratch = cj_scratch_bytes(layer->kernel, threads);
    const struct {
        const void **at;
        bool wanted;
        int64_t count;
    } tensors[] = {
        {(const void **)&t->output, true, n->output},
        {&t->input, true, n->input},
        {&t->weight, true, n->weight},
        {&t->pointwise, n->pointwise > 0, n->pointwise},
        {&t->packed, true, (int64_t)(packed / element_bytes(d))},
        {&t->bias, d->bias, n->channels},
        {&t->residual, residual, n->output},
        {&t->scale, scale, n->channels},
        {&t->shift, scale, n->channels},
        {(const void **)&t->scratch, scratch > 0, (int64_t)(scratch / element_bytes(d))},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        *tensors[i].at = tensors[i].wanted ? random_tensor(d, tensors[i].count) : NULL;
        if (tensors[i].wanted && !*tensors[i].at)
            return no_memory(layer);
    }
    return EXIT_DONE;
}

int layer_open(struct layer *layer, const struct layer_shape *shape, cj_context *context, int threads)
{
    struct counts counts = {0};
    *layer = (struct layer){.shape = shape, .calls = 1};
    TRY(complain_status(cj_desc_print(&shape->desc, shape->batch, layer->text, sizeof layer->text)));
    TRY(count_elements(layer, context, &counts));
    TRY(complain_of_layer(layer, cj_prepare(context, &shape->desc, &layer->kernel)));
    cj_kernel_get_stats(layer->kernel, &layer->stats);
    TRY(take_tensors(layer, &counts, threads));
    layer->bytes = (counts.input + counts.output + counts.weight + counts.pointwise) *
                   (int64_t)element_bytes(&shape->desc);
    double start = seconds_now();
    TRY(complain_status(cj_pack_weights(layer->kernel, layer->tensors.weight, layer->tensors.pointwise,
                                        (void *)layer->tensors.packed)));
    layer->pack_seconds = seconds_now() - start;
    return EXIT_DONE;
}

void layer_close(struct layer *layer)
{
    const cj_tensors *t = &layer->tensors;
    const void *const all[] = {t->output, t->input,    t->weight, t->pointwise, t->packed,
                               t->bias,   t->residual, t->scale,  t->shift,     t->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free((void *)all[i]);
    free(layer->samples);
    cj_release(layer->kernel);
}

static int keep_sample(struct layer *layer, double seconds)
{
    if (layer->count == layer->room) {
        int room = layer->room ? 2 * layer->room : 64;
        double *grown = realloc(layer->samples, (size_t)room * sizeof *grown);
        if (!grown)
            return complain(EXIT_MACHINE, "there is no memory for %d samples", room);
        layer->samples = grown;
        layer->room = room;
    }
    layer->samples[layer->count++] = seconds;
    return EXIT_DONE;
}

static int take_sample(struct layer *layer, const cj_parallel *parallel, double *seconds)
{
    double start = seconds_now();
    for (int i = 0; i < layer->calls; i++)
        TRY(complain_status(cj_run(layer->kernel, layer->shape->batch, &layer->tensors, parallel)));
    *seconds = (seconds_now() - start) / layer->calls;
    return EXIT_DONE;
}

int layer_measure(struct layer *layer, const cj_parallel *parallel, double seconds)
{
    double sample;
    TRY(take_sample(layer, parallel, &sample)); /* warms caches; also says how long a call is */
    if (sample < SAMPLE_SECONDS)
        layer->calls = (int)(SAMPLE_SECONDS / (sample + 1e-9)) + 1;
    double end = seconds_now() + seconds;
    do {
        TRY(take_sample(layer, parallel, &sample));
        TRY(keep_sample(layer, sample));
    } while (seconds_now() < end);
    return EXIT_DONE;
}

/* The core number `index` of those in `set`, counted round. */
static int core_of_set(const cpu_set_t *set, int index)
{
    int core = -1;
    for (int i = index % CPU_COUNT(set); i >= 0; i--)
        do
            core++;
        while (!CPU_ISSET((size_t)core, set));
    return core;
}

static void pin_worker(void *arg, int index)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core_of_set(arg, index), &set);
    sched_setaffinity(0, sizeof set, &set);
}

void pin_workers(const cj_parallel *parallel)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        parallel->run(parallel->pool, parallel->threads, pin_worker, &allowed);
}

void pin_thread(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
}

double layer_least(const struct layer *layer)
{
    double least = layer->samples[0];
    for (int i = 1; i < layer->count; i++)
        least = layer->samples[i] < least ? layer->samples[i] : least;
    return least;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double layer_median(struct layer *layer)
{
    qsort(layer->samples, (size_t)layer->count, sizeof *layer->samples, by_size);
    return layer->samples[layer->count / 2];
}

/* "algorithm=NAME ..." begins every plan. */
void layer_algorithm(const struct layer *layer, char name[32])
{
    if (sscanf(cj_kernel_plan(layer->kernel), "algorithm=%31s", name) != 1)
        snprintf(name, 32, "unknown");
}
