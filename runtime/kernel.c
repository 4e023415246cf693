/* The pipeline on one page: descriptor -> request -> plan -> key -> object -> blob -> mapped kernel.
 *
 * A hit ends in the first table: it neither plans nor takes memory. Everything below `find_by_key` runs in the
 * one thread that makes the kernel, without a lock. */
#include "kernel.h"

#include "../src/status.h"
#include "clock.h"
#include "context.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* One search for a kernel, from its request down. */
struct search {
    cj_context *context;
    const struct request *request;
    const struct key *key;
    cj_kernel_stats stats;
    enum memcache_outcome by_key;
};

/* The object is the compiler's, from malloc. */
static cj_status emit_object(struct search *search, void **object, size_t *size)
{
    const struct plugin *plugin;
    TRY(door_open(&search->context->door, &plugin));
    char sentence[PLUGIN_ERROR_SIZE];
    uint64_t start = now_ns();
    cj_status status =
        plugin->emit(&(struct plugin_request){.plan = &search->key->plan, .format = CJ_FORMAT_OBJECT}, object,
                     size, sentence);
    search->stats.compile_ns = now_ns() - start;
    return status == CJ_OK ? CJ_OK : fail(status, "%s", sentence);
}

static cj_status load_object(struct search *search, const void *object, size_t size, cj_kernel **kernel)
{
    struct blob blob;
    TRY(blob_from_object(object, size, &blob));
    cj_status status = kernel_create(search->key, &blob, &search->stats, kernel);
    blob_free(&blob);
    return status;
}

static cj_status compile(void *arg, cj_kernel **kernel)
{
    struct search *search = arg;
    void *object;
    size_t size;
    TRY(emit_object(search, &object, &size));
    cj_status status = load_object(search, object, size, kernel);
    free(object);
    if (status != CJ_OK)
        return status;
    struct counters *counters = &search->context->counters;
    atomic_fetch_add(&counters->compiles, 1);
    atomic_fetch_add(&counters->compile_ns, search->stats.compile_ns);
    atomic_fetch_add(&counters->code_bytes, (*kernel)->stats.code_bytes);
    return CJ_OK;
}

static cj_status find_by_key(void *arg, cj_kernel **kernel)
{
    struct search *search = arg;
    struct plan plan;
    uint64_t start = now_ns();
    TRY(request_plan(search->context, search->request, &plan));
    search->stats.plan_ns = now_ns() - start;
    struct key key = key_of_plan(&plan);
    search->key = &key;
    struct memcache_key place = {&key, sizeof key, key_hash(&key)};
    return memcache_get(&search->context->kernels, &place, &(struct memcache_maker){compile, search}, kernel,
                        &search->by_key);
}

static struct key_hash request_hash(const struct request *request)
{
    XXH128_hash_t hash = XXH3_128bits(request, sizeof *request);
    return (struct key_hash){hash.low64, hash.high64};
}

cj_status kernel_find(cj_context *context, const cj_conv_desc *desc, enum packing packing, cj_kernel **kernel)
{
    *kernel = NULL;
    struct request request;
    TRY(request_from_desc(context, desc, FOR_RUNNING, &request));
    request.packing = packing;
    struct memcache_key place = {&request, sizeof request, request_hash(&request)};
    struct search search = {.context = context, .request = &request, .by_key = MEMCACHE_MADE};
    enum memcache_outcome outcome;
    cj_status status = memcache_get(&context->requests, &place, &(struct memcache_maker){find_by_key, &search},
                                    kernel, &outcome);
    if (outcome == MEMCACHE_MADE)
        outcome = search.by_key;
    atomic_fetch_add(outcome == MEMCACHE_HIT ? &context->counters.hits : &context->counters.misses, 1);
    return status;
}

cj_status cj_prepare(cj_context *context, const cj_conv_desc *desc, cj_kernel **kernel)
{
    if (!kernel)
        return fail(CJ_INVALID, "kernel is NULL");
    return kernel_find(context, desc, PACKED_ONCE, kernel);
}
