/* What a context holds, and the way from a descriptor to a plan on it. */
#ifndef CONVJIT_CONTEXT_H
#define CONVJIT_CONTEXT_H

#include "config.h"
#include "door.h"
#include "host.h"
#include "memcache.h"

#include <stdatomic.h>

struct counters {
    atomic_uint_fast64_t hits, misses, compiles, code_bytes, compile_ns;
};

/* Two tables lead to a kernel. `requests` finds it by what was asked for, which is quick; `kernels` finds it
 * by its key, so that requests with the same plan share the code. */
struct cj_context {
    struct config config;
    struct host host;
    struct door door;
    struct memcache requests, kernels;
    struct counters counters;
};

/* What a descriptor asks for, canonical: plain data without padding, compared by its bytes. Together with the
 * host's caches it decides the plan. */
struct request {
    struct conv conv;
    int64_t isa;     /* enum cj_isa, resolved */
    int64_t algo;    /* the enum algo_id that is forced; NO_ALGO: none */
    int64_t packing; /* enum packing */
};
enum { NO_ALGO = -1 };

/* When weights are packed: once, before many calls, or in each call, whose time then holds it. */
enum packing { PACKED_ONCE, PACKED_EACH_CALL };

/* For running here: CJ_UNSUPPORTED if the descriptor asks for a wider ISA than the CPU has. For looking: any.
 */
enum purpose { FOR_RUNNING, FOR_LOOKING };

/* CJ_INVALID: a pointer is NULL or the descriptor is wrong. */
cj_status request_from_desc(const cj_context *context, const cj_conv_desc *desc, enum purpose purpose,
                            struct request *request);

/* What a request's code is for. */
struct target request_target(const cj_context *context, const struct request *request);

/* The planner's choice for a request. */
cj_status request_plan(const cj_context *context, const struct request *request, struct plan *plan);

/* cj_prepare, for weights that are packed when `packing` says; `kernel` is not NULL. */
cj_status kernel_find(cj_context *context, const cj_conv_desc *desc, enum packing packing, cj_kernel **kernel);

#endif
