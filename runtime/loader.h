/* From bytes to callable memory. */
#ifndef CONVJIT_LOADER_H
#define CONVJIT_LOADER_H

#include "../src/blob.h"

/* A mapping that is readable and executable, never writable. */
struct code {
    void *pages;
    size_t bytes;
};

/* Map a copy of a blob. CJ_SYSTEM: the system refused memory or execution; the sentence holds its reason. */
cj_status loader_map(const struct blob *blob, struct code *code);
void loader_unmap(struct code *code);

#endif
