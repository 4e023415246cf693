/* The functional calls: each is a row of facts about a descriptor, then prepare, pack and run in memory that
 * the call takes for itself. Weights may differ from call to call, so none are kept, and the plan is the one
 * that is quickest with its packing. */
#include "context.h"
#include "operands.h"

#include "../src/arith.h"
#include "../src/status.h"

#include <stdlib.h>

/* What a function's name says about its descriptor. */
struct form {
    const char *name;
    cj_op op;
    int rank;
    bool depthwise;
};

/* The arguments that all of them have. */
struct arguments {
    const cj_conv_desc *desc;
    int64_t batch;
    const cj_tensors *tensors;
    const cj_parallel *parallel;
};

static cj_status apply(const struct form *form, const cj_conv_desc *given, cj_conv_desc *desc)
{
    if (!given)
        return fail(CJ_INVALID, "desc is NULL");
    *desc = *given;
    if (desc->op != 0 && desc->op != form->op)
        return fail(CJ_INVALID, "op is %d; for %s it must be 0 or %d", (int)desc->op, form->name,
                    (int)form->op);
    if (desc->rank != 0 && desc->rank != form->rank)
        return fail(CJ_INVALID, "rank is %d; for %s it must be 0 or %d", desc->rank, form->name, form->rank);
    desc->op = form->op;
    desc->rank = form->rank;
    if (form->depthwise) {
        desc->groups = desc->in_channels;
        desc->out_channels = desc->out_channels ? desc->out_channels : desc->in_channels;
    }
    return CJ_OK;
}

/* Packed weights, then scratch, in one piece. Both sizes are multiples of the alignment, so both are aligned.
 */
static cj_status take_memory(const cj_kernel *kernel, int threads, unsigned char **memory)
{
    int64_t packed = (int64_t)cj_packed_bytes(kernel), bytes;
    size_t scratch = cj_scratch_bytes(kernel, threads);
    *memory = NULL;
    if (scratch <= INT64_MAX && add_fits(packed, (int64_t)scratch, &bytes))
        *memory = aligned_alloc(MEMORY_ALIGNMENT, (size_t)max64(bytes, MEMORY_ALIGNMENT));
    if (!*memory)
        return fail(CJ_NO_MEMORY, "no memory for %lld bytes of packed weights and %zu of scratch",
                    (long long)packed, scratch);
    return CJ_OK;
}

static cj_status pack_and_run(const cj_kernel *kernel, const struct arguments *arguments)
{
    if (arguments->batch <= 0 || !arguments->tensors)
        return cj_run(kernel, arguments->batch, arguments->tensors, arguments->parallel);
    cj_tensors tensors = *arguments->tensors;
    unsigned char *memory;
    TRY(take_memory(kernel, arguments->parallel ? arguments->parallel->threads : 1, &memory));
    tensors.packed = memory;
    tensors.scratch = memory + cj_packed_bytes(kernel);
    cj_status status = cj_pack_weights(kernel, tensors.weight, tensors.pointwise, memory);
    if (status == CJ_OK)
        status = cj_run(kernel, arguments->batch, &tensors, arguments->parallel);
    free(memory);
    return status;
}

static cj_status call(const struct form *form, cj_context *context, const struct arguments *arguments)
{
    cj_conv_desc desc;
    TRY(apply(form, arguments->desc, &desc));
    cj_kernel *kernel;
    TRY(kernel_find(context, &desc, PACKED_EACH_CALL, &kernel));
    cj_status status = pack_and_run(kernel, arguments);
    cj_release(kernel);
    return status;
}

/* The twelve calls, each under its row. */

cj_status cj_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch, const cj_tensors *tensors,
                    const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv1d", CJ_CONV, 1, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch, const cj_tensors *tensors,
                    const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv2d", CJ_CONV, 2, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch, const cj_tensors *tensors,
                    const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv3d", CJ_CONV, 3, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_conv_transpose1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv_transpose1d", CJ_CONV_TRANSPOSE, 1, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_conv_transpose2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv_transpose2d", CJ_CONV_TRANSPOSE, 2, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_conv_transpose3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_conv_transpose3d", CJ_CONV_TRANSPOSE, 3, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_depthwise_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_depthwise_conv1d", CJ_CONV, 1, true};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_depthwise_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_depthwise_conv2d", CJ_CONV, 2, true};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_depthwise_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_depthwise_conv3d", CJ_CONV, 3, true};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_separable_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_separable_conv1d", CJ_SEPARABLE, 1, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_separable_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_separable_conv2d", CJ_SEPARABLE, 2, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}

cj_status cj_separable_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                              const cj_tensors *tensors, const cj_parallel *parallel)
{
    static const struct form form = {"cj_separable_conv3d", CJ_SEPARABLE, 3, false};
    return call(&form, context, &(struct arguments){desc, batch, tensors, parallel});
}
