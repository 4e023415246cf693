#include "sample.h"

#include "../../src/text.h"
#include "random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PICK(state, ...) \
    random_pick(state, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / 8))

static int64_t up_to(unsigned *s, int64_t most)
{
    return 1 + random_next(s) % (unsigned)most;
}

static void pick_channels(cj_conv_desc *d, unsigned *s, int64_t most)
{
    int kind = (int)(random_next(s) % 4);
    if (d->op == CJ_SEPARABLE)
        d->multiplier = PICK(s, 0, 1, 2, 3);
    if (d->op == CJ_SEPARABLE || kind < 2) {
        d->in_channels = up_to(s, most);
        d->out_channels = up_to(s, most);
    } else {
        d->groups = kind == 2 ? PICK(s, 2, 3, 4, 5) : up_to(s, most);
        d->in_channels = d->groups * (kind == 2 ? up_to(s, most / 4 + 1) : 1);
        d->out_channels = d->groups * (kind == 2 ? up_to(s, most / 4 + 1) : PICK(s, 1, 1, 2, 3));
    }
}

static void pick_dimension(cj_conv_desc *d, int i, unsigned *s, int64_t most)
{
    d->input[i] = random_next(s) % 8 ? up_to(s, d->rank == 3 ? most / 2 + 1 : most) : 1;
    d->kernel[i] = PICK(s, 1, 1, 2, 3, 3, 3, 4, 5, 7);
    d->stride[i] = PICK(s, 0, 1, 1, 2, 2, 3, 4, 5);
    d->dilation[i] = PICK(s, 0, 1, 1, 2, 3, 6);
    d->pad_lo[i] = PICK(s, 0, 0, 1, 1, 2, 3, 9);
    d->pad_hi[i] = random_next(s) % 3 ? d->pad_lo[i] : PICK(s, 0, 1, 2, 5);
    if (d->op == CJ_CONV_TRANSPOSE && random_next(s) % 3 == 0)
        d->output_padding[i] = random_next(s) % 3;
}

static void pick_posts(cj_conv_desc *d, unsigned *s)
{
    int n = 0;
    d->bias = random_next(s) % 2;
    if (random_next(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_SCALE_SHIFT;
    if (random_next(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_RESIDUAL;
    if (random_next(s) % 2)
        d->post[n] = (cj_post){(cj_post_kind)PICK(s, CJ_POST_RELU, CJ_POST_GELU, CJ_POST_CLAMP), -0.5, 0.75};
}

static cj_conv_desc pick_desc(unsigned *s, int64_t most)
{
    cj_conv_desc d = {.op = (cj_op)PICK(s, CJ_CONV, CJ_CONV, CJ_CONV_TRANSPOSE, CJ_SEPARABLE),
                      .rank = 1 + (int)(random_next(s) % 3),
                      .input_layout = (cj_layout)(random_next(s) % 2),
                      .output_layout = (cj_layout)(random_next(s) % 2),
                      .dtype = random_next(s) % 4 ? CJ_F32 : CJ_F64,
                      .accuracy = random_next(s) % 4 ? CJ_FAST : CJ_STRICT};
    pick_channels(&d, s, most);
    for (int i = 0; i < d.rank; i++)
        pick_dimension(&d, i, s, most);
    if (d.op != CJ_CONV_TRANSPOSE && random_next(s) % 4 == 0)
        d.pad_mode = (cj_pad_mode)(1 + random_next(s) % 3);
    if (random_next(s) % 5 == 0) {
        memset(d.pad_lo, 0, sizeof d.pad_lo);
        memset(d.pad_hi, 0, sizeof d.pad_hi);
        d.auto_pad = (cj_auto_pad)(1 + random_next(s) % 3);
    }
    pick_posts(&d, s);
    return d;
}

cj_conv_desc sample_desc(unsigned *state, int64_t most)
{
    for (;;) {
        cj_conv_desc desc = pick_desc(state, most);
        struct conv conv;
        if (conv_from_desc(&desc, &conv) == CJ_OK)
            return desc;
    }
}

const char *sample_shape(const cj_conv_desc *desc)
{
    static char shape[400];
    if (text_print_shape(desc, 1, shape, sizeof shape) != CJ_OK)
        snprintf(shape, sizeof shape, "(%s)", cj_last_error());
    return shape;
}

bool sample_wrong(const struct sample *sample, const char *format, ...)
{
    char plan[400];
    plan_print(sample->plan, plan, sizeof plan);
    fprintf(stderr, "\n%s\n  %s\n  ", sample_shape(sample->desc), plan);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

/* Where candidates go: each to the check. */
struct checking {
    struct sample sample;
    bool (*check)(const struct sample *sample);
    int wrong;
};

static void check_plan(void *sink, const struct plan *plan)
{
    struct checking *checking = sink;
    checking->sample.plan = plan;
    checking->wrong += !checking->check(&checking->sample);
}

static void check_algorithms(struct checking *checking, const struct conv *conv)
{
    const struct target *target = checking->sample.target;
    for (int id = 0; id < ALGOS; id++) {
        const struct algo *algo = algo_row((enum algo_id)id);
        struct plan base = {.conv = *conv, .isa = target->isa, .algo = id};
        if (!algo->accepts(conv, target))
            algo->candidates(&base, target, &(struct candidates){check_plan, checking});
    }
}

int sample_plans(unsigned seed, int count, int64_t most, bool (*check)(const struct sample *sample))
{
    static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};
    struct checking checking = {.check = check};
    for (int i = 0; i < count && checking.wrong < 5; i++) {
        cj_conv_desc desc = sample_desc(&seed, most);
        struct conv conv;
        conv_from_desc(&desc, &conv);
        for (int k = 0; k < 3; k++) {
            struct target target = target_preset(isas[k]);
            checking.sample = (struct sample){.desc = &desc, .target = &target};
            check_algorithms(&checking, &conv);
        }
    }
    return checking.wrong;
}
