/* What the planner saw: each algorithm with its estimate or its reason for declining, then its choice. */
#include "context.h"

#include "../src/algo.h"
#include "../src/status.h"

#include <stdio.h>
#include <stdlib.h>

static void write_verdict(FILE *out, const struct verdict *verdict, enum algo_id id)
{
    const char *name = algo_row(id)->name;
    char line[512];
    if (verdict->declined) {
        fprintf(out, "%-16s declines: it %s\n", name, verdict->declined);
        return;
    }
    plan_print(&verdict->plan, line, sizeof line);
    fprintf(out, "%-16s %.3g us estimated: %s\n", name, verdict->seconds * 1e6, line);
}

static void write_all(FILE *out, const cj_context *context, const struct request *request,
                      const struct plan *chosen)
{
    struct target target = request_target(context, request);
    char line[512];
    for (enum algo_id id = 0; id < ALGOS; id++) {
        struct verdict verdict;
        plan_consider(&request->conv, &target, id, &verdict);
        write_verdict(out, &verdict, id);
    }
    plan_print(chosen, line, sizeof line);
    fprintf(out, "%-16s %s\n", "chosen", line);
}

cj_status cj_explain(cj_context *context, const cj_conv_desc *desc, char **text)
{
    if (!text)
        return fail(CJ_INVALID, "text is NULL");
    *text = NULL;
    struct request request;
    struct plan plan;
    TRY(request_from_desc(context, desc, FOR_LOOKING, &request));
    TRY(request_plan(context, &request, &plan));
    size_t size;
    FILE *out = open_memstream(text, &size);
    if (!out)
        return fail(CJ_NO_MEMORY, "no memory for the explanation");
    write_all(out, context, &request, &plan);
    if (fclose(out) == 0)
        return CJ_OK;
    cj_free(*text);
    *text = NULL;
    return fail(CJ_NO_MEMORY, "no memory for the explanation");
}
