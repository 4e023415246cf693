/* From a plan to what LLVM makes of it. */
#ifndef CONVJIT_COMPILE_H
#define CONVJIT_COMPILE_H

#include "../src/plugin.h"

/* Emit the plan's kernel and turn it into the format asked for. `*bytes` comes from malloc; text has a NUL
 * behind it that `*size` does not count. Thread-safe.
 * CJ_COMPILE: LLVM refuses the module, in its words. CJ_UNSUPPORTED: it does not know the CPU or the triple.
 * CJ_NO_MEMORY. */
cj_status compile_plan(const struct plugin_request *request, void **bytes, size_t *size);

/* The same for code of another's emission; of the request's plan only the type, the lanes and the ISA count. */
struct em;
struct emission {
    void (*emit)(struct em *em, const void *arg);
    const void *arg;
};
cj_status compile_emission(const struct plugin_request *request, const struct emission *emission, void **bytes,
                           size_t *size);

#endif
