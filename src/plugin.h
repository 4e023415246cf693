/* The one door between libconvjit and libconvjit-codegen: a table of functions behind one symbol. */
#ifndef CONVJIT_PLUGIN_H
#define CONVJIT_PLUGIN_H

#include "plan.h"

#include <stddef.h>

#define PLUGIN_SYMBOL "convjit_codegen_plugin"
enum { PLUGIN_ABI = 1, PLUGIN_ERROR_SIZE = 512 };

/* What the code is to be for, beyond the plan. */
struct plugin_request {
    const struct plan *plan;
    cj_format format;
    const char *cpu, *triple; /* NULL: the ISA preset's, and x86_64-unknown-linux-gnu */
};

struct plugin {
    int abi;                /* PLUGIN_ABI */
    const char *codegen_id; /* must equal the loader's own, else plans mean different code */
    const char *(*llvm_version)(void);

    /* Generate. `*bytes` comes from malloc and belongs to the caller. On failure `error` holds the sentence.
     * Thread-safe: each call makes its own LLVM context. */
    cj_status (*emit)(const struct plugin_request *request, void **bytes, size_t *size,
                      char error[PLUGIN_ERROR_SIZE]);
};

typedef const struct plugin *plugin_entry(void);

/* The kernel's ABI (see codegen/README.md). `extra` holds the operands of the post-ops in their order:
 * residual, or scale then shift. Strides and sizes are in the code. */
typedef void kernel_fn(void *dst, const void *src, const void *weights, const void *bias,
                       const void *const *extra, void *scratch, int64_t first_unit, int64_t last_unit);

#endif
