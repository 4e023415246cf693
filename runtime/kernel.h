/* A kernel: mapped machine code and the plan that it was made from. Nothing in it changes but the count of
 * its holders, so any number of threads may use it. It does not know its context and outlives it. */
#ifndef CONVJIT_KERNEL_H
#define CONVJIT_KERNEL_H

#include "../src/key.h"
#include "../src/plugin.h"
#include "loader.h"

#include <stdatomic.h>

struct cj_kernel {
    atomic_int holders;
    kernel_fn *entry;
    struct code code;
    struct plan plan;
    int64_t most_batch; /* conv_most_batch */
    cj_kernel_stats stats;
    char key_text[33];
    char plan_text[512];
};

/* Map `blob` as the kernel of `key`; `stats` holds the times so far, the rest of it is filled in here. The
 * caller gets the only reference. CJ_NO_MEMORY, CJ_SYSTEM. */
cj_status kernel_create(const struct key *key, const struct blob *blob, const cj_kernel_stats *stats,
                        cj_kernel **kernel);

#endif
