#include "sweep.h"

#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

const struct sweep_op sweep_ops[SWEEP_OPS] = {{"conv", CJ_CONV, false},
                                              {"depthwise_conv", CJ_CONV, true},
                                              {"conv_transpose", CJ_CONV_TRANSPOSE, false},
                                              {"depthwise conv_transpose", CJ_CONV_TRANSPOSE, true},
                                              {"separable_conv", CJ_SEPARABLE, false}};

static const char *const algorithms[] = {
    NULL,
#define ALGO(name) #name,
#include "../../src/algos.inc"
#undef ALGO
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms, ENOUGH_WRONG = 20 };

struct sweep sweep_open(const char *name)
{
    struct sweep sweep = {.name = name};
    if (cj_context_create(NULL, &sweep.context) != CJ_OK)
        abort();
    return sweep;
}

static void run_algorithms(struct sweep *sweep, struct check *check, cj_isa isa)
{
    cj_conv_desc desc = *check->problem.desc;
    struct check of_isa = *check; /* where the isa decides, it lays out the tensors */
    of_isa.problem.desc = &desc;
    desc.isa = isa;
    for (int i = 0; i < ALGORITHMS; i++) {
        desc.algorithm = algorithms[i];
        enum check_result result =
            check_kernel(sweep->context, &of_isa, &desc, (const enum guard_side[]){GUARD_BEHIND, GUARD_ODD});
        sweep->kernels += result != CHECK_DECLINED;
        sweep->wrong += result == CHECK_DIFFERENT;
    }
}

static bool is_empty(const cj_conv_desc *desc)
{
    int64_t out[3];
    oracle_output_size(desc, out);
    return out[0] < 1 || out[1] < 1 || out[2] < 1;
}

/* An empty output is the caller's mistake, and the library must say so. */
static void check_refusal(struct sweep *sweep, const cj_conv_desc *desc)
{
    int64_t out[3];
    if (cj_output_size(desc, out) == CJ_INVALID)
        return;
    check_complain(desc, 1, "has an empty output and is not refused");
    sweep->wrong++;
}

static void scale_weights(struct check *check, double scale)
{
    for (int64_t i = 0; i < check->problem.count[WEIGHT]; i++)
        check->problem.value[WEIGHT][i] *= scale;
    check_ask(check);
}

void sweep_case(struct sweep *sweep, const cj_conv_desc *desc)
{
    static const int64_t batches[] = {1, 3, 1, 2, 1, 0};
    if (sweep->wrong > ENOUGH_WRONG)
        return;
    if (is_empty(desc)) {
        check_refusal(sweep, desc);
        return;
    }
    int turn = sweep->cases++;
    struct check check = check_open(desc, batches[turn % 6], (unsigned)turn);
    if (sweep->weight_scale > 0)
        scale_weights(&check, sweep->weight_scale);
    if (desc->isa != CJ_ISA_HOST)
        run_algorithms(sweep, &check, desc->isa);
    else if (sweep->isas == SWEEP_BY_TURNS)
        run_algorithms(sweep, &check, (cj_isa)(CJ_ISA_SSE2 + turn % 3));
    else
        for (int isa = CJ_ISA_SSE2; isa <= CJ_ISA_AVX512; isa++)
            run_algorithms(sweep, &check, (cj_isa)isa);
    check_close(&check);
}

int sweep_close(struct sweep *sweep)
{
    cj_counters counters;
    cj_context_counters(sweep->context, &counters);
    printf("%s: %d convolutions, %d runs, %llu kernels, %d wrong\n", sweep->name, sweep->cases, sweep->kernels,
           (unsigned long long)counters.compiles, sweep->wrong);
    cj_context_destroy(sweep->context);
    return sweep->kernels ? sweep->wrong : 1;
}
