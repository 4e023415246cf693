/* The life of a context. Making one reads the environment and asks the CPU, once; nothing later does. */
#include "context.h"

#include "../src/status.h"

#include <stdlib.h>

static cj_status init_tables(cj_context *context)
{
    TRY(memcache_init(&context->requests));
    cj_status status = memcache_init(&context->kernels);
    if (status != CJ_OK)
        memcache_free(&context->requests);
    return status;
}

static cj_status init(cj_context *context, const cj_options *options)
{
    TRY(config_read(options, &context->config));
    cj_status status = init_tables(context);
    if (status != CJ_OK) {
        config_free(&context->config);
        return status;
    }
    host_probe(&context->host);
    door_init(&context->door, context->config.codegen_path, CONVJIT_CODEGEN_ID);
    return CJ_OK;
}

cj_status cj_context_create(const cj_options *options, cj_context **context)
{
    if (!context)
        return fail(CJ_INVALID, "context is NULL");
    *context = NULL;
    cj_context *made = calloc(1, sizeof *made);
    if (!made)
        return fail(CJ_NO_MEMORY, "no memory for a context of %zu bytes", sizeof *made);
    cj_status status = init(made, options);
    if (status != CJ_OK)
        free(made);
    else
        *context = made;
    return status;
}

void cj_context_destroy(cj_context *context)
{
    if (!context)
        return;
    memcache_free(&context->requests);
    memcache_free(&context->kernels);
    door_free(&context->door);
    config_free(&context->config);
    free(context);
}

void cj_context_counters(const cj_context *context, cj_counters *counters)
{
    const struct counters *now = &context->counters;
    uint64_t compiles = atomic_load(&now->compiles);
    *counters = (cj_counters){
        .hits = atomic_load(&now->hits),
        .misses = atomic_load(&now->misses),
        .compiles = compiles,
        .kernels = compiles, /* none is dropped before the context is */
        .code_bytes = atomic_load(&now->code_bytes),
        .compile_ns = atomic_load(&now->compile_ns),
    };
}
