/* From a plan to what LLVM makes of it. */
#ifndef CONVJIT_COMPILE_H
#define CONVJIT_COMPILE_H

#include "../src/plugin.h"

/* Emit the plan's kernel and turn it into the format asked for. `*bytes` comes from malloc; text has a NUL
 * behind it that `*size` does not count. Thread-safe.
 * CJ_COMPILE: LLVM refuses the module, in its words. CJ_UNSUPPORTED: it does not know the CPU or the triple.
 * CJ_NO_MEMORY. */
cj_status compile_plan(const struct plugin_request *request, void **bytes, size_t *size);

#endif
