/* What code is generated for. Plain data: a plan for any target is made and tested on any machine. */
#ifndef CONVJIT_TARGET_H
#define CONVJIT_TARGET_H

#include <convjit/convjit.h>

struct target {
    cj_isa isa;         /* never CJ_ISA_HOST */
    int64_t l1, l2, l3; /* bytes of data cache for one core; never 0: target_preset's where unknown */
    int64_t passes;     /* of a vector through the execution units: 2 where these are half as wide (Zen 4) */
};

/* One row of isa.inc. */
struct isa_info {
    const char *name, *llvm_cpu;
    int vector_bytes, registers;
    int has_fma, folds_broadcast, has_masks; /* 0 or 1 */
    const char *features;                    /* what generated code may use, as words */
};

/* The row of an ISA other than CJ_ISA_HOST. */
const struct isa_info *isa_info(cj_isa isa);

/* The ISA of that name; CJ_ISA_HOST if there is none. */
cj_isa isa_by_name(const char *name);

/* The target of an ISA with the smallest caches that are common with it. */
struct target target_preset(cj_isa isa);

/* Bytes of an element, and its name ("f32"). */
int dtype_bytes(cj_dtype dtype);
const char *dtype_name(cj_dtype dtype);

/* Elements in one vector register. */
int target_lanes(const struct target *target, cj_dtype dtype);

#endif
