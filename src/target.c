/* The tables of instruction sets and element types. */
#include "target.h"

#include <string.h>

static const struct isa_info isas[] = {
#define ISA(isa, name, cpu, bytes, registers, fma, folds, masks, features) \
    [isa] = {name, cpu, bytes, registers, fma, folds, masks, features},
#include "isa.inc"
#undef ISA
};

enum { ISAS = sizeof isas / sizeof isas[0] };

static const struct {
    const char *name;
    int bytes;
} dtypes[] = {
#define DTYPE(dtype, name, bytes) [dtype] = {name, bytes},
#include "dtype.inc"
#undef DTYPE
};

const struct isa_info *isa_info(cj_isa isa)
{
    return &isas[isa];
}

cj_isa isa_by_name(const char *name)
{
    for (int i = 0; i < ISAS; i++)
        if (isas[i].name && strcmp(isas[i].name, name) == 0)
            return (cj_isa)i;
    return CJ_ISA_HOST;
}

/* Caches of the smallest cores with these instructions: Core 2 and Haswell 256 KB of L2, Skylake-SP 1 MB. */
struct target target_preset(cj_isa isa)
{
    int64_t l2 = isa == CJ_ISA_AVX512 ? 1 << 20 : 1 << 18;
    return (struct target){.isa = isa, .l1 = 1 << 15, .l2 = l2, .l3 = 1 << 21, .passes = 1};
}

int dtype_bytes(cj_dtype dtype)
{
    return dtypes[dtype].bytes;
}
const char *dtype_name(cj_dtype dtype)
{
    return dtypes[dtype].name;
}

int target_lanes(const struct target *target, cj_dtype dtype)
{
    return isa_info(target->isa)->vector_bytes / dtype_bytes(dtype);
}
