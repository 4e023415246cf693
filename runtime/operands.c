/* Pointers are checked before the generated code sees them: it trusts them, with aligned loads. */
#include "operands.h"

#include "../src/status.h"

#include <stdint.h>

cj_status operands_check(const struct operand *operands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct operand *o = &operands[i];
        if (o->wanted && !o->pointer)
            return fail(CJ_INVALID, "%s is NULL, but this convolution needs it", o->name);
        if (o->wanted && (uintptr_t)o->pointer % o->alignment != 0)
            return fail(CJ_INVALID, "%s is %p; it must be a multiple of %zu", o->name, o->pointer,
                        o->alignment);
    }
    return CJ_OK;
}
