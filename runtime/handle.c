/* A kernel's life from its blob to its last holder, and what it says about itself. */
#include "kernel.h"

#include "../src/arith.h"
#include "../src/status.h"
#include "clock.h"

#include <stdlib.h>

static cj_status map_code(cj_kernel *kernel, const struct blob *blob)
{
    uint64_t start = now_ns();
    TRY(loader_map(blob, &kernel->code));
    kernel->entry = (kernel_fn *)((uintptr_t)kernel->code.pages + blob->entry);
    kernel->stats.load_ns = now_ns() - start;
    kernel->stats.code_bytes = blob->size;
    return CJ_OK;
}

cj_status kernel_create(const struct key *key, const struct blob *blob, const cj_kernel_stats *stats,
                        cj_kernel **kernel)
{
    cj_kernel *made = malloc(sizeof *made);
    if (!made)
        return fail(CJ_NO_MEMORY, "no memory for a kernel of %zu bytes", sizeof *made);
    *made = (cj_kernel){.plan = key->plan, .stats = *stats};
    cj_status status = map_code(made, blob);
    if (status != CJ_OK) {
        free(made);
        return status;
    }
    atomic_init(&made->holders, 1);
    made->most_batch = conv_most_batch(&key->plan.conv);
    made->stats.flops = conv_flops(&key->plan.conv);
    key_print(key_hash(key), made->key_text);
    plan_print(&key->plan, made->plan_text, sizeof made->plan_text);
    *kernel = made;
    return CJ_OK;
}

cj_kernel *cj_retain(cj_kernel *kernel)
{
    if (kernel)
        atomic_fetch_add_explicit(&kernel->holders, 1, memory_order_relaxed);
    return kernel;
}

/* The last release must see every use that other threads made before theirs. */
void cj_release(cj_kernel *kernel)
{
    if (!kernel || atomic_fetch_sub_explicit(&kernel->holders, 1, memory_order_acq_rel) > 1)
        return;
    loader_unmap(&kernel->code);
    free(kernel);
}

size_t cj_packed_bytes(const cj_kernel *kernel)
{
    return (size_t)kernel->plan.packed_bytes;
}

/* A product that does not fit is a size that no allocation has. */
size_t cj_scratch_bytes(const cj_kernel *kernel, int threads)
{
    int64_t bytes;
    return mul_fits(kernel->plan.scratch_bytes, max64(threads, 1), &bytes) ? (size_t)bytes : SIZE_MAX;
}

const char *cj_kernel_plan(const cj_kernel *kernel)
{
    return kernel->plan_text;
}

const char *cj_kernel_key(const cj_kernel *kernel)
{
    return kernel->key_text;
}

void cj_kernel_get_stats(const cj_kernel *kernel, cj_kernel_stats *stats)
{
    *stats = kernel->stats;
}
