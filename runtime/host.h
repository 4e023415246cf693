/* The machine this process runs on. */
#ifndef CONVJIT_HOST_H
#define CONVJIT_HOST_H

#include "../src/target.h"

#include <stdbool.h>

struct host {
    cj_isa isa;         /* the widest preset that runs here; CJ_ISA_HOST where none does (not an x86-64) */
    int64_t l1, l2, l3; /* bytes of data cache for one core; 0: unknown */
    bool splits_avx512; /* units are half as wide as its vectors, and take two passes */
    int cores;          /* usable by this process */
    char cpu[64];
};

void host_probe(struct host *host);

/* What to generate code for: the ISA, with this machine's caches as far as they are known. */
struct target host_target(const struct host *host, cj_isa isa);

#endif
