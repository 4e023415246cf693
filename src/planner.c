/* The planner: every algorithm that accepts offers candidates, the smallest estimate wins, the order of
 * algos.inc decides between equals. It reads nothing but its arguments. */
#include "algo.h"
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

/* Keeps the best candidate so far. */
struct best {
    const struct target *target;
    const struct algo *algo;
    struct verdict *verdict;
    int seen;
};

static void keep_if_better(void *sink, const struct plan *plan)
{
    struct best *best = sink;
    double seconds = best->algo->seconds(plan, best->target);
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

void plan_consider(const struct conv *conv, const struct target *target, enum algo_id id,
                   struct verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    verdict->declined = refuses(conv);
    if (!verdict->declined)
        verdict->declined = rows[id]->accepts(conv, target);
    if (verdict->declined)
        return;
    struct plan base = {.conv = *conv, .isa = target->isa, .algo = id};
    struct best best = {target, rows[id], verdict, 0};
    rows[id]->candidates(&base, target, &(struct candidates){keep_if_better, &best});
}

static cj_status choose_forced(const struct conv *conv, const struct target *target, const char *force,
                               struct plan *plan)
{
    enum algo_id id = algo_by_name(force);
    if (id == ALGOS)
        return fail(CJ_INVALID, "algorithm is \"%s\"; there is no such algorithm", force);
    struct verdict verdict;
    plan_consider(conv, target, id, &verdict);
    if (verdict.declined)
        return fail(CJ_UNSUPPORTED, "algorithm %s %s", force, verdict.declined);
    *plan = verdict.plan;
    return CJ_OK;
}

cj_status plan_choose(const struct conv *conv, const struct target *target, const char *force,
                      struct plan *plan)
{
    if (force)
        return choose_forced(conv, target, force, plan);
    double least = 0;
    bool found = false;
    if (refuses(conv))
        return fail(CJ_UNSUPPORTED, "every algorithm %s", refuses(conv));
    for (int id = 0; id < ALGOS; id++) {
        struct verdict verdict;
        plan_consider(conv, target, (enum algo_id)id, &verdict);
        if (verdict.declined || (found && verdict.seconds >= least))
            continue;
        found = true;
        least = verdict.seconds;
        *plan = verdict.plan;
    }
    return found ? CJ_OK : fail(CJ_UNSUPPORTED, "no algorithm takes this convolution");
}
