/* What an algorithm is to the planner. One algorithm is two files of one name: src/algo/<name>.c decides and
 * estimates (no LLVM: a process whose kernels are cached plans too), codegen/algo/<name>.c emits. */
#ifndef CONVJIT_ALGO_H
#define CONVJIT_ALGO_H

#include "plan.h"

#include <stddef.h>

/* Where candidates go. `add` copies the plan. */
struct candidates {
    void (*add)(void *sink, const struct plan *plan);
    void *sink;
};

struct algo {
    const char *name;

    /* NULL if the algorithm can do it, else why not, as a static sentence without subject: "takes one input
     * channel per group". */
    const char *(*accepts)(const struct conv *conv, const struct target *target);

    /* Offer at least one plan for a convolution that it accepts. The planner has set conv, isa and algo in
     * `base`; the algorithm sets the rest. */
    void (*candidates)(const struct plan *base, const struct target *target, const struct candidates *sink);

    /* The model's time for one image on one core, in seconds. */
    double (*seconds)(const struct plan *plan, const struct target *target);
};

/* Row `id` of algos.inc. */
const struct algo *algo_row(enum algo_id id);

/* The algorithm of that name; ALGOS if there is none. */
enum algo_id algo_by_name(const char *name);

/* Choose the plan with the smallest estimate, of the algorithm named `force` if that is not NULL.
 * CJ_INVALID: no algorithm has that name. CJ_UNSUPPORTED: it declines, with its reason. */
cj_status plan_choose(const struct conv *conv, const struct target *target, const char *force,
                      struct plan *plan);

/* The same for calls that pack the weights anew: the time of packing counts beside that of one image. */
cj_status plan_choose_packing(const struct conv *conv, const struct target *target, const char *force,
                              struct plan *plan);

/* What plan_choose saw for one algorithm. */
struct verdict {
    const char *declined; /* the reason, or NULL */
    double seconds;       /* its best candidate's estimate */
    struct plan plan;     /* that candidate */
};
void plan_consider(const struct conv *conv, const struct target *target, enum algo_id id,
                   struct verdict *verdict);

#endif
