/* From a descriptor to a request, and to its plan: the ISA is resolved here, and nowhere else.
 * For running it is the narrowest of the CPU's, the context's cap and the descriptor's. */
#include "context.h"

#include "../src/algo.h"
#include "../src/status.h"

/* The narrower of two caps; CJ_ISA_HOST is no cap. */
static cj_isa narrower(cj_isa a, cj_isa b)
{
    if (a == CJ_ISA_HOST || b == CJ_ISA_HOST)
        return a == CJ_ISA_HOST ? b : a;
    return a < b ? a : b;
}

static cj_status resolve_isa(const cj_context *context, cj_isa asked, enum purpose purpose, int64_t *isa)
{
    cj_isa host = context->host.isa;
    TRY(config_check_isa("isa", asked));
    if (asked != CJ_ISA_HOST && purpose == FOR_LOOKING) {
        *isa = narrower(asked, context->config.isa);
        return CJ_OK;
    }
    if (host == CJ_ISA_HOST)
        return fail(CJ_UNSUPPORTED,
                    "this CPU runs no instruction set that convjit generates: sse2, avx2, avx512");
    if (asked > host)
        return fail(CJ_UNSUPPORTED, "isa is %s, but this CPU has %s at most", isa_info(asked)->name,
                    isa_info(host)->name);
    *isa = narrower(narrower(host, context->config.isa), asked);
    return CJ_OK;
}

static cj_status resolve_algorithm(const char *name, int64_t *algo)
{
    *algo = name ? (int64_t)algo_by_name(name) : NO_ALGO;
    return *algo == ALGOS ? fail(CJ_INVALID, "algorithm is \"%s\"; no algorithm has that name", name) : CJ_OK;
}

/* Blocks of channels that are left to the default are settled by the instruction set. */
static cj_status settle_blocks(const cj_conv_desc *desc, struct request *request)
{
    bool input = desc->input_layout == CJ_NCHWC && !desc->input_block;
    bool output = desc->output_layout == CJ_NCHWC && !desc->output_block;
    if (!input && !output)
        return CJ_OK;
    cj_conv_desc settled = *desc;
    settled.isa = (cj_isa)request->isa;
    return conv_from_desc(&settled, &request->conv);
}

cj_status request_from_desc(const cj_context *context, const cj_conv_desc *desc, enum purpose purpose,
                            struct request *request)
{
    if (!context || !desc)
        return fail(CJ_INVALID, "%s is NULL", context ? "desc" : "context");
    request->packing = PACKED_ONCE;
    TRY(conv_from_desc(desc, &request->conv));
    TRY(resolve_isa(context, desc->isa, purpose, &request->isa));
    TRY(settle_blocks(desc, request));
    return resolve_algorithm(desc->algorithm, &request->algo);
}

/* Above what the CPU has, its caches say nothing about the machine that the code is for. */
struct target request_target(const cj_context *context, const struct request *request)
{
    cj_isa isa = (cj_isa)request->isa;
    return isa <= context->host.isa ? host_target(&context->host, isa) : target_preset(isa);
}

cj_status request_plan(const cj_context *context, const struct request *request, struct plan *plan)
{
    struct target target = request_target(context, request);
    const char *force = request->algo == NO_ALGO ? NULL : algo_row((enum algo_id)request->algo)->name;
    if (request->packing == PACKED_EACH_CALL)
        return plan_choose_packing(&request->conv, &target, force, plan);
    return plan_choose(&request->conv, &target, force, plan);
}
