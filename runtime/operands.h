/* What a call's pointers must be. */
#ifndef CONVJIT_OPERANDS_H
#define CONVJIT_OPERANDS_H

#include <convjit/convjit.h>

#include <stdbool.h>
#include <stddef.h>

struct operand {
    const char *name;
    const void *pointer;
    bool wanted; /* else the pointer is not looked at */
    size_t alignment;
};

/* CJ_INVALID names the first operand that is wanted but NULL or misaligned. */
cj_status operands_check(const struct operand *operands, size_t count);

/* What packed weights and scratch are aligned to. */
enum { MEMORY_ALIGNMENT = 64 };

#endif
