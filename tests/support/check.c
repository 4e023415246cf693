#include "check.h"

#include "guard.h"
#include "oracle.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned check_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

int64_t check_pick(unsigned *state, const int64_t *values, int count)
{
    return values[check_random(state) % (unsigned)count];
}

/* A tensor twice: exact values in double, and as the kernel sees it. */
struct tensor {
    int64_t count;
    double *exact;
    struct guarded seen;
};

struct run {
    const cj_conv_desc *desc;
    int64_t batch, out[3];
    unsigned state;
    bool f64;
    size_t element;
    enum guard_side side;
    struct tensor input, weight, pointwise, bias, residual, scale, shift, output;
    struct guarded packed, scratch;
    double *bound;
};

static int64_t spatial(const int64_t size[3], int rank)
{
    int64_t product = 1;
    for (int i = 0; i < rank; i++)
        product *= size[i];
    return product;
}

static void store(const struct run *r, void *to, int64_t index, double value)
{
    if (r->f64)
        memcpy((char *)to + index * 8, &value, 8);
    else
        memcpy((char *)to + index * 4, &(float){(float)value}, 4);
}

static double fetch(const struct run *r, const void *from, int64_t index)
{
    double wide;
    float narrow;
    memcpy(&wide, (const char *)from + index * (int64_t)r->element, r->f64 ? 8 : 0);
    memcpy(&narrow, (const char *)from + index * (int64_t)r->element, r->f64 ? 0 : 4);
    return r->f64 ? wide : (double)narrow;
}

/* The place of element `index` of [n, c, spatial] in a tensor of that layout. */
static int64_t place(cj_layout layout, int64_t index, int64_t channels, int64_t pixels)
{
    if (layout == CJ_NCHW)
        return index;
    int64_t p = index % pixels, c = index / pixels % channels, n = index / pixels / channels;
    return (n * pixels + p) * channels + c;
}

static struct tensor make(struct run *r, int64_t count)
{
    struct tensor t = {.count = count, .exact = calloc((size_t)count + 1, sizeof(double))};
    for (int64_t i = 0; i < count; i++)
        t.exact[i] = (double)((int)(check_random(&r->state) % 2048) - 1024) / 1024;
    t.seen = guard_new((size_t)count * r->element, r->element, r->side);
    return t;
}

static void lay_out(const struct run *r, struct tensor *t, cj_layout layout, int64_t channels, int64_t pixels)
{
    for (int64_t i = 0; i < t->count; i++)
        store(r, t->seen.data, place(layout, i, channels, pixels), t->exact[i]);
}

static void free_tensor(struct tensor *t)
{
    free(t->exact);
    guard_free(&t->seen);
}

static int64_t weight_count(const cj_conv_desc *d)
{
    int64_t taps = spatial(d->kernel, d->rank ? d->rank : 2), multiplier = d->multiplier ? d->multiplier : 1;
    if (d->op == CJ_SEPARABLE)
        return d->in_channels * multiplier * taps;
    return d->out_channels * d->in_channels / (d->groups ? d->groups : 1) * taps;
}

static void make_tensors(struct run *r)
{
    const cj_conv_desc *d = r->desc;
    int rank = d->rank ? d->rank : 2;
    int64_t ins = spatial(d->input, rank), outs = spatial(r->out, rank), oc = d->out_channels;
    int64_t mid = d->op == CJ_SEPARABLE ? d->in_channels * (d->multiplier ? d->multiplier : 1) : 0;
    r->input = make(r, r->batch * d->in_channels * ins);
    r->weight = make(r, weight_count(d));
    r->pointwise = make(r, mid * oc);
    r->bias = make(r, oc);
    r->scale = make(r, oc);
    r->shift = make(r, oc);
    r->residual = make(r, r->batch * oc * outs);
    r->output = make(r, r->batch * oc * outs);
    r->bound = calloc((size_t)r->output.count + 1, sizeof(double));
    lay_out(r, &r->input, d->input_layout, d->in_channels, ins);
    lay_out(r, &r->residual, d->output_layout, oc, outs);
    struct tensor *plain[] = {&r->weight, &r->pointwise, &r->bias, &r->scale, &r->shift};
    for (int i = 0; i < 5; i++)
        lay_out(r, plain[i], CJ_NCHW, 1, 1);
    memset(r->output.seen.data, 0xff, (size_t)r->output.count * r->element);
}

static void free_tensors(struct run *r)
{
    struct tensor *all[] = {&r->input, &r->weight, &r->pointwise, &r->bias,
                            &r->scale, &r->shift,  &r->residual,  &r->output};
    for (int i = 0; i < 8; i++)
        free_tensor(all[i]);
    free(r->bound);
}

static cj_tensors tensors_of(const struct run *r)
{
    return (cj_tensors){.output = r->output.seen.data,
                        .input = r->input.seen.data,
                        .weight = r->weight.seen.data,
                        .pointwise = r->desc->op == CJ_SEPARABLE ? r->pointwise.seen.data : NULL,
                        .packed = r->packed.data,
                        .bias = r->bias.seen.data,
                        .residual = r->residual.seen.data,
                        .scale = r->scale.seen.data,
                        .shift = r->shift.seen.data,
                        .scratch = r->scratch.data};
}

static cj_status run_kernel(struct run *r, const cj_kernel *kernel)
{
    r->packed = guard_new(cj_packed_bytes(kernel), 64, r->side);
    r->scratch = guard_new(cj_scratch_bytes(kernel, 1), 64, r->side);
    memset(r->scratch.data, 0xff, cj_scratch_bytes(kernel, 1));
    cj_tensors tensors = tensors_of(r);
    cj_status status = cj_pack_weights(kernel, tensors.weight, tensors.pointwise, r->packed.data);
    if (status == CJ_OK)
        status = cj_run(kernel, r->batch, &tensors, NULL);
    guard_free(&r->packed);
    guard_free(&r->scratch);
    return status;
}

/* The rounding error of a sum of N products is at most N units of the sum of magnitudes (Higham, Accuracy and
 * Stability, 3.1), in practice far less; activations add their own few units. */
static bool compare(const struct run *r, const char *shape)
{
    const cj_conv_desc *d = r->desc;
    struct oracle_case c = {d,
                            r->batch,
                            r->input.exact,
                            r->weight.exact,
                            r->pointwise.exact,
                            r->bias.exact,
                            r->residual.exact,
                            r->scale.exact,
                            r->shift.exact,
                            r->output.exact,
                            r->bound};
    oracle_run(&c);
    int64_t outs = spatial(r->out, d->rank ? d->rank : 2);
    double unit = r->f64 ? 0x1p-53 : 0x1p-24;
    double terms = 16 + sqrt((double)(weight_count(d) + (d->op == CJ_SEPARABLE ? d->in_channels : 0)));
    for (int64_t i = 0; i < r->output.count; i++) {
        double got = fetch(r, r->output.seen.data, place(d->output_layout, i, d->out_channels, outs));
        double want = r->output.exact[i], slack = unit * terms * (r->bound[i] + 1e-3);
        if (fabs(got - want) <= slack)
            continue;
        fprintf(stderr, "\n%s\n  element %lld is %.9g, should be %.9g within %.3g\n", shape, (long long)i, got,
                want, slack);
        return false;
    }
    return true;
}

enum check_result check_case(cj_context *context, const cj_conv_desc *desc, int64_t batch, unsigned seed)
{
    char shape[400];
    if (cj_desc_print(desc, batch, shape, sizeof shape) != CJ_OK)
        snprintf(shape, sizeof shape, "(%s)", cj_last_error());
    cj_kernel *kernel;
    cj_status status = cj_prepare(context, desc, &kernel);
    if (status == CJ_UNSUPPORTED)
        return CHECK_DECLINED;
    if (status != CJ_OK) {
        fprintf(stderr, "\n%s\n  %s: %s\n", shape, cj_status_name(status), cj_last_error());
        return CHECK_DIFFERENT;
    }
    if (!desc->algorithm && strstr(cj_kernel_plan(kernel), "algorithm=reference")) {
        fprintf(stderr, "\n%s\n  is left to the reference\n", shape);
        cj_release(kernel);
        return CHECK_DIFFERENT;
    }
    struct run r = {.desc = desc, .batch = batch, .state = seed, .f64 = desc->dtype == CJ_F64};
    r.element = r.f64 ? 8 : 4;
    r.side = seed % 2 ? GUARD_FRONT : GUARD_BEHIND;
    oracle_output_size(desc, r.out);
    guard_announce(shape);
    make_tensors(&r);
    status = run_kernel(&r, kernel);
    bool same = status == CJ_OK && compare(&r, shape);
    if (status != CJ_OK)
        fprintf(stderr, "\n%s\n  %s: %s\n", shape, cj_status_name(status), cj_last_error());
    free_tensors(&r);
    cj_release(kernel);
    return same ? CHECK_SAME : CHECK_DIFFERENT;
}

enum check_result check_shape(cj_context *context, const char *shape, unsigned seed)
{
    cj_conv_desc desc;
    int64_t batch;
    if (cj_desc_parse(shape, &desc, &batch) == CJ_OK)
        return check_case(context, &desc, batch, seed);
    fprintf(stderr, "\n%s\n  %s\n", shape, cj_last_error());
    return CHECK_DIFFERENT;
}
