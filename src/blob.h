/* Position-independent machine code: the code, then its constants, no relocation left. */
#ifndef CONVJIT_BLOB_H
#define CONVJIT_BLOB_H

#include <convjit/convjit.h>

#include <stddef.h>

struct blob {
    unsigned char *bytes; /* owned, from malloc; code first, constants behind it at their alignment */
    size_t size;
    size_t entry; /* offset of the kernel's first instruction */
};

/* The name of the function that every object holds. */
#define BLOB_SYMBOL "convjit_kernel"

/* Take the code out of a relocatable ELF object for x86-64 and apply its section-relative relocations.
 * CJ_COMPILE: not such an object, truncated, no such symbol, or a relocation that would need an address
 * (an undefined symbol, GOT): the sentence names it. `object` is untrusted: every offset is checked. */
cj_status blob_from_object(const void *object, size_t size, struct blob *blob);
void blob_free(struct blob *blob);

#endif
