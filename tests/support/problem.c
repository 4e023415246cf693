#include "problem.h"

#include "layout.h"
#include "oracle.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t or_one(int64_t value)
{
    return value ? value : 1;
}

static size_t element_size(const cj_conv_desc *d)
{
    return d->dtype == CJ_F64 ? 8 : 4;
}

static void store(const cj_conv_desc *d, void *to, int64_t index, double value)
{
    if (d->dtype == CJ_F64)
        memcpy((char *)to + index * 8, &value, 8);
    else
        memcpy((char *)to + index * 4, &(float){(float)value}, 4);
}

static double fetch(const cj_conv_desc *d, const void *from, int64_t index)
{
    double wide;
    float narrow;
    if (d->dtype == CJ_F64) {
        memcpy(&wide, (const char *)from + index * 8, 8);
        return wide;
    }
    memcpy(&narrow, (const char *)from + index * 4, 4);
    return (double)narrow;
}

/* ---- Making ---- */

static struct layout layout_of(const struct problem *p, enum operand which)
{
    if (which == INPUT)
        return layout_input(p->desc, p->batch);
    if (which == OUTPUT || which == RESIDUAL)
        return layout_output(p->desc, p->batch);
    return layout_flat(p->count[which]);
}

static void set_counts(struct problem *p)
{
    const cj_conv_desc *d = p->desc;
    int64_t taps = 1, mid = d->op == CJ_SEPARABLE ? d->in_channels * or_one(d->multiplier) : 0;
    for (int i = 0; i < (d->rank ? d->rank : 2); i++)
        taps *= d->kernel[i];
    p->count[WEIGHT] = taps * (mid ? mid : d->out_channels * (d->in_channels / (d->groups ? d->groups : 1)));
    p->count[POINTWISE] = mid * d->out_channels;
    p->count[BIAS] = p->count[SCALE] = p->count[SHIFT] = d->out_channels;
    struct layout input = layout_input(d, p->batch), output = layout_output(d, p->batch);
    p->count[INPUT] = layout_count(&input);
    p->count[OUTPUT] = p->count[RESIDUAL] = layout_count(&output);
}

/* What shares a place in memory shares the value that was stored last. */
static void broadcast(struct problem *p)
{
    struct layout layout = layout_of(p, INPUT);
    double *memory = calloc((size_t)layout_extent(&layout) + 1, sizeof(double));
    for (int64_t i = 0; i < p->count[INPUT]; i++)
        memory[layout_place(&layout, i)] = p->value[INPUT][i];
    for (int64_t i = 0; i < p->count[INPUT]; i++)
        p->value[INPUT][i] = memory[layout_place(&layout, i)];
    free(memory);
}

static void fill(struct problem *p, unsigned seed, int range, double unit)
{
    for (int which = 0; which < OUTPUT; which++)
        for (int64_t i = 0; i < p->count[which]; i++)
            p->value[which][i] = ((int)(random_next(&seed) % (unsigned)(2 * range)) - range) * unit;
    broadcast(p);
}

struct problem problem_new(const cj_conv_desc *desc, int64_t batch, unsigned seed)
{
    struct problem p = {.desc = desc, .batch = batch};
    oracle_output_size(desc, p.out);
    set_counts(&p);
    for (int which = 0; which < OPERANDS; which++)
        p.value[which] = calloc((size_t)p.count[which] + 1, sizeof(double));
    fill(&p, seed, 1024, 0x1p-10);
    return p;
}

void problem_free(struct problem *p)
{
    for (int which = 0; which < OPERANDS; which++)
        free(p->value[which]);
}

void problem_make_whole(struct problem *p, int range, unsigned seed)
{
    fill(p, seed, range, 1);
}

struct problem problem_images(const struct problem *p, int64_t first, int64_t count)
{
    static const enum operand batched[] = {INPUT, RESIDUAL, OUTPUT};
    struct problem part = *p;
    part.batch = count;
    for (int i = 0; i < 3; i++) {
        int64_t image = p->count[batched[i]] / p->batch;
        part.count[batched[i]] = image * count;
        part.value[batched[i]] += image * first;
    }
    return part;
}

void problem_oracle(const struct problem *p, double *want, double *bound)
{
    double *const *v = p->value;
    struct oracle_case c = {p->desc,     p->batch, v[INPUT], v[WEIGHT], v[POINTWISE], v[BIAS],
                            v[RESIDUAL], v[SCALE], v[SHIFT], want,      bound};
    oracle_run(&c);
}

/* ---- Running ---- */

static bool has_post(const cj_conv_desc *d, cj_post_kind kind)
{
    for (int i = 0; i < CJ_MAX_POST && d->post[i].kind != CJ_POST_NONE; i++)
        if (d->post[i].kind == kind)
            return true;
    return false;
}

static bool is_asked_for(const cj_conv_desc *d, enum operand which)
{
    switch (which) {
    case POINTWISE:
        return d->op == CJ_SEPARABLE;
    case BIAS:
        return d->bias;
    case RESIDUAL:
        return has_post(d, CJ_POST_RESIDUAL);
    case SCALE:
    case SHIFT:
        return has_post(d, CJ_POST_SCALE_SHIFT);
    default:
        return true;
    }
}

/* The memory of one run. What is not asked for is NULL. */
struct memory {
    struct guarded operand[OPERANDS], packed, scratch;
};

static struct guarded lay_out(const struct problem *p, enum operand which, const struct manner *manner)
{
    size_t element = element_size(p->desc);
    struct layout layout = layout_of(p, which);
    struct guarded g = guard_new((size_t)layout_extent(&layout) * element, element, manner->side);
    if (which == OUTPUT) {
        memset(g.data, manner->fill, g.bytes);
        return g;
    }
    /* What pads a block is not a number, and must not come into any sum. */
    memset(g.data, 0xff, g.bytes);
    for (int64_t i = 0; i < p->count[which]; i++)
        store(p->desc, g.data, layout_place(&layout, i), p->value[which][i]);
    guard_seal(&g);
    return g;
}

static void open_memory(const struct problem *p, const cj_kernel *kernel, const struct manner *manner,
                        struct memory *m)
{
    for (int which = 0; which < OPERANDS; which++)
        if (is_asked_for(p->desc, (enum operand)which))
            m->operand[which] = lay_out(p, (enum operand)which, manner);
    size_t scratch = cj_scratch_bytes(kernel, manner->parallel ? manner->parallel->threads : 1);
    m->packed = guard_new(cj_packed_bytes(kernel), 64, manner->side);
    m->scratch = guard_new(scratch, 64, manner->side);
    memset(m->scratch.data, manner->fill, scratch);
}

static void close_memory(struct memory *m)
{
    for (int which = 0; which < OPERANDS; which++)
        if (m->operand[which].map)
            guard_free(&m->operand[which]);
    guard_free(&m->packed);
    guard_free(&m->scratch);
}

static cj_status call(const struct problem *p, const cj_kernel *kernel, const struct manner *manner,
                      const struct memory *m)
{
    const struct guarded *o = m->operand;
    cj_status status = cj_pack_weights(kernel, o[WEIGHT].data, o[POINTWISE].data, m->packed.data);
    if (status != CJ_OK)
        return status;
    guard_seal(&m->packed);
    cj_tensors tensors = {.output = o[OUTPUT].data,
                          .input = o[INPUT].data,
                          .packed = m->packed.data,
                          .bias = o[BIAS].data,
                          .residual = o[RESIDUAL].data,
                          .scale = o[SCALE].data,
                          .shift = o[SHIFT].data,
                          .scratch = m->scratch.data};
    return cj_run(kernel, p->batch, &tensors, manner->parallel);
}

/* Whether the elements between those of the output are as they were; zeros, where they pad a block. */
static bool gaps_are_intact(const struct problem *p, const struct guarded *output, unsigned char byte)
{
    struct layout layout = layout_of(p, OUTPUT);
    size_t element = element_size(p->desc), extent = (size_t)layout_extent(&layout), wrong = 0;
    if (extent == (size_t)p->count[OUTPUT])
        return true;
    byte = layout.block ? 0 : byte;
    char *used = calloc(extent, 1);
    for (int64_t i = 0; i < p->count[OUTPUT]; i++)
        used[layout_place(&layout, i)] = 1;
    for (size_t i = 0; i < extent * element; i++)
        wrong += !used[i / element] && ((const unsigned char *)output->data)[i] != byte;
    free(used);
    return wrong == 0;
}

static const char *verdict(const struct problem *p, const struct manner *manner, const struct memory *m)
{
    if (!guard_intact(&m->operand[OUTPUT]))
        return "something beside the output was written";
    if (!guard_intact(&m->scratch))
        return "something beside the scratch was written";
    if (!guard_intact(&m->packed))
        return "something beside the packed weights was written";
    if (!gaps_are_intact(p, &m->operand[OUTPUT], manner->fill))
        return "a gap between elements of the output was written, or is no zero in a block";
    return NULL;
}

const char *problem_run(struct problem *p, const cj_kernel *kernel, const struct manner *manner)
{
    struct memory m = {0};
    open_memory(p, kernel, manner, &m);
    const char *complaint = call(p, kernel, manner, &m) == CJ_OK ? verdict(p, manner, &m) : cj_last_error();
    struct layout layout = layout_of(p, OUTPUT);
    for (int64_t i = 0; i < p->count[OUTPUT]; i++)
        p->value[OUTPUT][i] = fetch(p->desc, m.operand[OUTPUT].data, layout_place(&layout, i));
    close_memory(&m);
    return complaint;
}

/* ---- Naming ---- */

static void add_strides(const char *name, cj_layout layout, const int64_t strides[5], char *text, size_t size)
{
    size_t length = strlen(text);
    if (layout != CJ_STRIDED)
        return;
    snprintf(text + length, size - length, " [%s strides %lld %lld %lld %lld %lld]", name,
             (long long)strides[0], (long long)strides[1], (long long)strides[2], (long long)strides[3],
             (long long)strides[4]);
}

void problem_shape(const cj_conv_desc *desc, int64_t batch, char *text, size_t size)
{
    cj_conv_desc d = *desc;
    if (d.input_layout == CJ_STRIDED)
        d.input_layout = CJ_NCHW;
    if (d.output_layout == CJ_STRIDED)
        d.output_layout = CJ_NCHW;
    if (cj_desc_print(&d, batch, text, size) != CJ_OK)
        snprintf(text, size, "(%s)", cj_last_error());
    add_strides("input", desc->input_layout, desc->input_strides, text, size);
    add_strides("output", desc->output_layout, desc->output_strides, text, size);
}
