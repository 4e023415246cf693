/* Calls generated code: checks the pointers, then cuts batch * units work units into one contiguous range for
 * each worker. The cut does not change a bit of the result, since no unit reads what another one wrote.
 * Nothing here allocates or locks. */
#include "kernel.h"
#include "operands.h"

#include "../src/arith.h"
#include "../src/status.h"

/* One cj_run, shared by its workers and read only. */
struct job {
    const cj_kernel *kernel;
    const cj_tensors *tensors;
    const void *extra[2 * CJ_MAX_POST]; /* the kernel's `extra` argument */
    int64_t units;
    int workers;
};

static bool has_post(const struct conv *conv, cj_post_kind kind)
{
    for (int64_t i = 0; i < conv->posts; i++)
        if (conv->post[i].kind == kind)
            return true;
    return false;
}

static cj_status check_tensors(const struct plan *plan, const cj_tensors *t)
{
    const struct conv *conv = &plan->conv;
    size_t element = (size_t)dtype_bytes((cj_dtype)conv->dtype);
    bool residual = has_post(conv, CJ_POST_RESIDUAL), scale = has_post(conv, CJ_POST_SCALE_SHIFT);
    const struct operand operands[] = {
        {"tensors.output", t->output, true, element},
        {"tensors.input", t->input, true, element},
        {"tensors.packed", t->packed, true, MEMORY_ALIGNMENT},
        {"tensors.bias", t->bias, conv->has_bias, element},
        {"tensors.residual", t->residual, residual, element},
        {"tensors.scale", t->scale, scale, element},
        {"tensors.shift", t->shift, scale, element},
        {"tensors.scratch", t->scratch, plan->scratch_bytes > 0, MEMORY_ALIGNMENT},
    };
    return operands_check(operands, sizeof operands / sizeof *operands);
}

static cj_status check_parallel(const cj_parallel *parallel)
{
    if (parallel && parallel->threads < 1)
        return fail(CJ_INVALID, "parallel.threads is %d; it must be at least 1", parallel->threads);
    if (parallel && parallel->threads > 1 && !parallel->run)
        return fail(CJ_INVALID, "parallel.run is NULL, but parallel.threads is %d", parallel->threads);
    return CJ_OK;
}

/* All units of the batch. A batch whose last image lies beyond any address is refused as well. */
static cj_status count_units(const cj_kernel *kernel, int64_t batch, int64_t *units)
{
    const struct plan *plan = &kernel->plan;
    int64_t elements, bytes;
    if (batch > kernel->most_batch)
        return fail(CJ_INVALID, "batch is %lld; with these output_strides images overlap beyond %lld",
                    (long long)batch, (long long)kernel->most_batch);
    if (batch < 0)
        return fail(CJ_INVALID, "batch is %lld; it must be at least 0", (long long)batch);
    if (!mul_fits(batch, plan->units, units) || !mul_fits(batch, plan->conv.dst.n, &elements) ||
        !mul_fits(elements, dtype_bytes((cj_dtype)plan->conv.dtype), &bytes))
        return fail(CJ_INVALID, "batch is %lld; so many images exceed the address space", (long long)batch);
    return CJ_OK;
}

/* The operands of the post-ops in their order, as the kernel's ABI wants them. */
static void fill_extra(const struct conv *conv, const cj_tensors *tensors, const void **extra)
{
    for (int64_t i = 0; i < conv->posts; i++) {
        if (conv->post[i].kind == CJ_POST_RESIDUAL)
            *extra++ = tensors->residual;
        if (conv->post[i].kind == CJ_POST_SCALE_SHIFT) {
            *extra++ = tensors->scale;
            *extra++ = tensors->shift;
        }
    }
}

/* The first unit of worker `index`: ranges differ by at most one unit. */
static int64_t first_unit(const struct job *job, int64_t index)
{
    return job->units / job->workers * index + min64(index, job->units % job->workers);
}

static void run_worker(void *arg, int index)
{
    const struct job *job = arg;
    const cj_tensors *t = job->tensors;
    size_t slice = (size_t)job->kernel->plan.scratch_bytes;
    unsigned char *scratch = slice ? (unsigned char *)t->scratch + slice * (size_t)index : NULL;
    job->kernel->entry(t->output, t->input, t->packed, t->bias, job->extra, scratch, first_unit(job, index),
                       first_unit(job, index + 1));
}

cj_status cj_run(const cj_kernel *kernel, int64_t batch, const cj_tensors *tensors, const cj_parallel *parallel)
{
    if (!kernel)
        return fail(CJ_INVALID, "kernel is NULL");
    struct job job = {.kernel = kernel, .tensors = tensors};
    TRY(count_units(kernel, batch, &job.units));
    TRY(check_parallel(parallel));
    if (batch == 0)
        return CJ_OK;
    if (!tensors)
        return fail(CJ_INVALID, "tensors is NULL");
    TRY(check_tensors(&kernel->plan, tensors));
    fill_extra(&kernel->plan.conv, tensors, job.extra);
    job.workers = (int)min64(parallel ? parallel->threads : 1, job.units);
    if (job.workers == 1)
        run_worker(&job, 0);
    else
        parallel->run(parallel->pool, job.workers, run_worker, &job);
    return CJ_OK;
}

cj_status cj_pack_weights(const cj_kernel *kernel, const void *weight, const void *pointwise, void *packed)
{
    if (!kernel)
        return fail(CJ_INVALID, "kernel is NULL");
    const struct conv *conv = &kernel->plan.conv;
    size_t element = (size_t)dtype_bytes((cj_dtype)conv->dtype);
    bool separable = conv->op == CJ_SEPARABLE;
    const struct operand operands[] = {
        {"weight", weight, true, element},
        {"pointwise", pointwise, separable, element},
        {"packed", packed, true, MEMORY_ALIGNMENT},
    };
    TRY(operands_check(operands, sizeof operands / sizeof *operands));
    if (pointwise && !separable)
        return fail(CJ_INVALID, "pointwise is not NULL, but op is not CJ_SEPARABLE");
    pack_weights(&kernel->plan, weight, pointwise, packed);
    return CJ_OK;
}
