/* The planner: every algorithm that accepts offers candidates, the smallest estimate wins, the order of
 * algos.inc decides between equals. It reads nothing but its arguments. */
#include "algo.h"
#include "model.h"
#include "status.h"

#include <stdbool.h>
#include <string.h>

#define ALGO(name) extern const struct algo algo_##name;
#include "algos.inc"
#undef ALGO

static const struct algo *const rows[ALGOS] = {
#define ALGO(name) &algo_##name,
#include "algos.inc"
#undef ALGO
};

const struct algo *algo_row(enum algo_id id)
{
    return rows[id];
}

enum algo_id algo_by_name(const char *name)
{
    int id = 0;
    while (id < ALGOS && strcmp(rows[id]->name, name) != 0)
        id++;
    return (enum algo_id)id;
}

/* What is to be planned. */
struct wish {
    const struct conv *conv;
    const struct target *target;
    bool packs; /* each call packs the weights */
};

/* Keeps the best candidate so far; `seen` counts those that may be chosen. */
struct best {
    const struct wish *wish;
    const struct algo *algo;
    struct verdict *verdict;
    int seen;
};

/* Scratch of a worker that needs no excuse; every plan of a real layer keeps below by far. */
#define FREE_SCRATCH (INT64_C(1) << 26)

/* More scratch than that, and than the tensors take, is refused: a band of a few outputs whose taps lie far
 * apart is a hundred times as large as what it reads. Some algorithm always takes less, `reference` none. */
static bool takes_too_much_scratch(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    double in = (double)conv->ic, out = (double)conv->oc,
           weights = out * (double)(conv->mid ? conv->mid : conv->ic / conv->groups);
    for (int a = 0; a < AXES; a++) {
        in *= (double)conv->axis[a].in;
        out *= (double)conv->axis[a].out;
        weights *= (double)conv->axis[a].kernel;
    }
    double tensors = (in + out + weights) * dtype_bytes((cj_dtype)conv->dtype);
    return plan->scratch_bytes > FREE_SCRATCH && (double)plan->scratch_bytes > tensors;
}

static void keep_if_better(void *sink, const struct plan *plan)
{
    struct best *best = sink;
    if (takes_too_much_scratch(plan))
        return;
    double seconds = best->algo->seconds(plan, best->wish->target);
    if (best->wish->packs)
        seconds += model_pack(plan, best->wish->target) / MODEL_HERTZ;
    if (best->seen++ && seconds >= best->verdict->seconds)
        return;
    best->verdict->seconds = seconds;
    best->verdict->plan = *plan;
}

/* What no algorithm can do. */
static const char *refuses(const struct conv *conv)
{
    for (int a = 0; a < AXES; a++)
        if (conv_axis_phases(conv, a) > MOST_PHASES)
            return "takes transposed strides of at most 16384, this has a larger one";
    return NULL;
}

static void consider(const struct wish *wish, enum algo_id id, struct verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    verdict->declined = refuses(wish->conv);
    if (!verdict->declined)
        verdict->declined = rows[id]->accepts(wish->conv, wish->target);
    if (verdict->declined)
        return;
    struct plan base = {.conv = *wish->conv, .isa = wish->target->isa, .algo = id};
    struct best best = {wish, rows[id], verdict, 0};
    rows[id]->candidates(&base, wish->target, &(struct candidates){keep_if_better, &best});
    if (!best.seen)
        verdict->declined = "would take more scratch than the tensors have, and than 64 MB";
}

void plan_consider(const struct conv *conv, const struct target *target, enum algo_id id,
                   struct verdict *verdict)
{
    consider(&(struct wish){conv, target, false}, id, verdict);
}

static cj_status choose_forced(const struct wish *wish, const char *force, struct plan *plan)
{
    enum algo_id id = algo_by_name(force);
    if (id == ALGOS)
        return fail(CJ_INVALID, "algorithm is \"%s\"; there is no such algorithm", force);
    struct verdict verdict;
    consider(wish, id, &verdict);
    if (verdict.declined)
        return fail(CJ_UNSUPPORTED, "algorithm %s %s", force, verdict.declined);
    *plan = verdict.plan;
    return CJ_OK;
}

static cj_status choose(const struct wish *wish, const char *force, struct plan *plan)
{
    if (force)
        return choose_forced(wish, force, plan);
    double least = 0;
    bool found = false;
    if (refuses(wish->conv))
        return fail(CJ_UNSUPPORTED, "every algorithm %s", refuses(wish->conv));
    for (int id = 0; id < ALGOS; id++) {
        struct verdict verdict;
        consider(wish, (enum algo_id)id, &verdict);
        if (verdict.declined || (found && verdict.seconds >= least))
            continue;
        found = true;
        least = verdict.seconds;
        *plan = verdict.plan;
    }
    return found ? CJ_OK : fail(CJ_UNSUPPORTED, "no algorithm takes this convolution");
}

cj_status plan_choose(const struct conv *conv, const struct target *target, const char *force,
                      struct plan *plan)
{
    return choose(&(struct wish){conv, target, false}, force, plan);
}

cj_status plan_choose_packing(const struct conv *conv, const struct target *target, const char *force,
                              struct plan *plan)
{
    return choose(&(struct wish){conv, target, true}, force, plan);
}
