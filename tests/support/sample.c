#include "sample.h"

#include "../../src/text.h"
#include "random.h"

#include <stdarg.h>
#include <stdio.h>

cj_conv_desc sample_desc(unsigned *state, int64_t most)
{
    const struct random_sizes sizes = {most, most, most};
    for (;;) {
        cj_op op = (cj_op)RANDOM_PICK(state, CJ_CONV, CJ_CONV, CJ_CONV_TRANSPOSE, CJ_SEPARABLE);
        cj_conv_desc desc = random_desc(op, random_next(state) % 4 == 0, &sizes, state);
        desc.accuracy = random_next(state) % 4 ? CJ_FAST : CJ_STRICT;
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
