/* The plug-in's one exported symbol. */
#include "../src/plugin.h"

#include "../src/status.h"
#include "compile.h"

#include <llvm/Config/llvm-config.h>
#include <stdio.h>

static const char *llvm_version(void)
{
    return LLVM_VERSION_STRING;
}

/* The sentence is copied: the thread's error text of this library is not the one of libconvjit. */
static cj_status emit(const struct plugin_request *request, void **bytes, size_t *size,
                      char error[PLUGIN_ERROR_SIZE])
{
    cj_status status = compile_plan(request, bytes, size);
    snprintf(error, PLUGIN_ERROR_SIZE, "%s", status == CJ_OK ? "" : fail_text());
    return status;
}

static const struct plugin table = {PLUGIN_ABI, CONVJIT_CODEGEN_ID, llvm_version, emit};

__attribute__((visibility("default"))) const struct plugin *convjit_codegen_plugin(void);

const struct plugin *convjit_codegen_plugin(void)
{
    return &table;
}
