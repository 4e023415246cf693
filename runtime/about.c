/* The library and the machine, as they present themselves. */
#include "context.h"

#include "../src/status.h"

#include <stdlib.h>
#include <string.h>

const char *cj_version(void)
{
    return CJ_VERSION;
}

const char *cj_status_name(cj_status status)
{
    static const char *const names[] = {
        [CJ_OK] = "CJ_OK",
        [CJ_INVALID] = "CJ_INVALID",
        [CJ_UNSUPPORTED] = "CJ_UNSUPPORTED",
        [CJ_NO_MEMORY] = "CJ_NO_MEMORY",
        [CJ_NO_CODEGEN] = "CJ_NO_CODEGEN",
        [CJ_COMPILE] = "CJ_COMPILE",
        [CJ_SYSTEM] = "CJ_SYSTEM",
    };
    return (size_t)status < sizeof names / sizeof *names ? names[status] : "not a cj_status";
}

const char *cj_last_error(void)
{
    return fail_text();
}

void cj_free(void *memory)
{
    free(memory);
}

void cj_machine_info(const cj_context *context, cj_machine *machine)
{
    const struct host *host = &context->host;
    cj_isa cap = context->config.isa;
    *machine = (cj_machine){.cores = host->cores, .l1 = host->l1, .l2 = host->l2, .l3 = host->l3};
    machine->isa = cap != CJ_ISA_HOST && cap < host->isa ? cap : host->isa;
    machine->features = machine->isa == CJ_ISA_HOST ? "" : isa_info(machine->isa)->features;
    memcpy(machine->cpu, host->cpu, sizeof machine->cpu);
}

cj_status cj_llvm_version(cj_context *context, const char **version)
{
    const struct plugin *plugin;
    if (!context || !version)
        return fail(CJ_INVALID, "%s is NULL", context ? "version" : "context");
    *version = NULL;
    TRY(door_open(&context->door, &plugin));
    *version = plugin->llvm_version();
    return CJ_OK;
}
