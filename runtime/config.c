/* Settings come from the options, then from the environment. A variable is checked even where an option
 * overrides it: a typing error in CONVJIT_ISA must never mean "no cap". An empty variable is an unset one.
 * A process with raised privileges (set-uid) does not see these variables at all. */
#include "config.h"

#include "../src/status.h"
#include "../src/target.h"

#include <stdlib.h>
#include <string.h>

/* The variable's value; NULL where it is unset or empty. */
static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

cj_status config_check_isa(const char *field, cj_isa isa)
{
    if ((int)isa < CJ_ISA_HOST || (int)isa > CJ_ISA_AVX512)
        return fail(CJ_INVALID, "%s is %d; it must be CJ_ISA_HOST, CJ_ISA_SSE2, CJ_ISA_AVX2 or CJ_ISA_AVX512",
                    field, (int)isa);
    return CJ_OK;
}

static cj_status read_isa(const cj_options *options, cj_isa *isa)
{
    const char *name = variable("CONVJIT_ISA");
    *isa = name ? isa_by_name(name) : CJ_ISA_HOST;
    if (name && *isa == CJ_ISA_HOST)
        return fail(CJ_INVALID,
                    "the environment variable CONVJIT_ISA is \"%s\"; it must be sse2, avx2 or avx512", name);
    if (!options || options->isa == CJ_ISA_HOST)
        return CJ_OK;
    *isa = options->isa;
    return config_check_isa("options.isa", options->isa);
}

static cj_status read_codegen_path(const cj_options *options, char **path)
{
    const char *chosen = options && options->codegen_path ? options->codegen_path : variable("CONVJIT_CODEGEN");
    *path = chosen ? strdup(chosen) : NULL;
    return chosen && !*path ? fail(CJ_NO_MEMORY, "no memory for a path of %zu bytes", strlen(chosen)) : CJ_OK;
}

cj_status config_read(const cj_options *options, struct config *config)
{
    TRY(read_isa(options, &config->isa));
    return read_codegen_path(options, &config->codegen_path);
}

void config_free(struct config *config)
{
    free(config->codegen_path);
}
