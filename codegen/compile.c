/* Emission, passes, object: each step is a function, compile_plan is their order.
 *
 * The IR is written as it should run - explicit vectors, loops kept - so the passes only turn stack slots
 * into registers and drop repeated address arithmetic: 0.1 ms, where the default pipeline takes 7 ms and the
 * code is no faster. Each call has its own LLVM context, module and target machine, so calls run side by
 * side. Every message that LLVM hands out is freed, and becomes the sentence of the failure. */
#include "compile.h"

#include "../src/status.h"
#include "em_internal.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PASSES "function(mem2reg,early-cse)"
#define DEFAULT_TRIPLE "x86_64-unknown-linux-gnu"

static void init_targets(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
}

static cj_status fail_with(cj_status status, const char *what, char *message)
{
    fail_say("%s: %s", what, message ? message : "no reason given");
    LLVMDisposeMessage(message);
    return status;
}

/* Whether LLVM's CPU of that name runs the code of an instruction set. */
static cj_status check_cpu(const char *name, cj_isa isa)
{
    static const struct {
        const char *name;
        cj_isa isa;
    } cpus[] = {
#define CPU(name, isa) {name, isa},
#include "cpus.inc"
#undef CPU
    };
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
        if (strcmp(cpus[i].name, name) != 0)
            continue;
        if (cpus[i].isa >= isa)
            return CJ_OK;
        return fail(CJ_UNSUPPORTED, "cpu is %s, which has %s at most; this code is for %s", name,
                    isa_info(cpus[i].isa)->name, isa_info(isa)->name);
    }
    return fail(CJ_UNSUPPORTED, "cpu is \"%s\"; LLVM %s knows no 64-bit x86 of that name", name,
                LLVM_VERSION_STRING);
}

/* The CPU to name to LLVM. For another family than x86-64 it is asked for none: nothing tells whether it knows
 * one. */
static cj_status resolve_cpu(const struct plugin_request *request, const char *triple, const char **cpu)
{
    static const char own[] = "x86_64-";
    bool foreign = strncmp(triple, own, strlen(own)) != 0;
    if (foreign && request->cpu)
        return fail(CJ_UNSUPPORTED,
                    "cpu is %s; with the triple %s, which is not of x86_64, it must be left out", request->cpu,
                    triple);
    *cpu = foreign ? "generic" : request->cpu ? request->cpu : isa_info((cj_isa)request->plan->isa)->llvm_cpu;
    return foreign ? CJ_OK : check_cpu(*cpu, (cj_isa)request->plan->isa);
}

/* Everything that LLVM has to be told about the target, filled in; and the machine. */
static cj_status open_machine(const struct plugin_request *request, struct plugin_request *resolved,
                              LLVMTargetMachineRef *machine)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_targets);
    *resolved = *request;
    resolved->triple = request->triple ? request->triple : DEFAULT_TRIPLE;
    LLVMTargetRef target;
    char *message = NULL;
    if (LLVMGetTargetFromTriple(resolved->triple, &target, &message))
        return fail_with(CJ_UNSUPPORTED, "the triple is not one of LLVM's", message);
    TRY(resolve_cpu(request, resolved->triple, &resolved->cpu));
    *machine = LLVMCreateTargetMachine(target, resolved->triple, resolved->cpu, "", LLVMCodeGenLevelLess,
                                       LLVMRelocPIC, LLVMCodeModelSmall);
    return *machine ? CJ_OK
                    : fail(CJ_UNSUPPORTED, "LLVM has no code generator for the triple %s", resolved->triple);
}

static void emit_algorithm(struct em *em, const void *arg)
{
    const struct plan *plan = arg;
    static void (*const emitters[ALGOS])(struct em *, const struct plan *) = {
#define ALGO(name) emit_##name,
#include "../src/algos.inc"
#undef ALGO
    };
    emitters[plan->algo](em, plan);
}

static cj_status verify(LLVMModuleRef module)
{
    char *message = NULL;
    if (LLVMVerifyModule(module, LLVMReturnStatusAction, &message))
        return fail_with(CJ_COMPILE, "the generated code is not valid", message);
    LLVMDisposeMessage(message);
    return CJ_OK;
}

static cj_status run_passes(LLVMModuleRef module, LLVMTargetMachineRef machine)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, PASSES, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return CJ_OK;
    char *message = LLVMGetErrorMessage(error);
    fail_say("the passes failed: %s", message);
    LLVMDisposeErrorMessage(message);
    return CJ_COMPILE;
}

static cj_status copy_out(const void *from, size_t length, void **bytes, size_t *size)
{
    char *copy = malloc(length + 1);
    if (!copy)
        return fail(CJ_NO_MEMORY, "no memory for %zu bytes of generated code", length);
    memcpy(copy, from, length);
    copy[length] = 0;
    *bytes = copy;
    *size = length;
    return CJ_OK;
}

static cj_status print_module(LLVMModuleRef module, void **bytes, size_t *size)
{
    char *text = LLVMPrintModuleToString(module);
    cj_status status = copy_out(text, strlen(text), bytes, size);
    LLVMDisposeMessage(text);
    return status;
}

static cj_status generate(LLVMModuleRef module, LLVMTargetMachineRef machine, LLVMCodeGenFileType type,
                          void **bytes, size_t *size)
{
    char *message = NULL;
    LLVMMemoryBufferRef buffer;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, &buffer))
        return fail_with(CJ_COMPILE, "LLVM could not generate code", message);
    cj_status status = copy_out(LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), bytes, size);
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

static cj_status produce(struct em *em, const struct plugin_request *request, LLVMTargetMachineRef machine,
                         void **bytes, size_t *size)
{
    TRY(verify(em->module));
    if (request->format == CJ_FORMAT_IR)
        return print_module(em->module, bytes, size);
    TRY(run_passes(em->module, machine));
    if (request->format == CJ_FORMAT_LL_OPT)
        return print_module(em->module, bytes, size);
    LLVMCodeGenFileType type = request->format == CJ_FORMAT_ASM ? LLVMAssemblyFile : LLVMObjectFile;
    return generate(em->module, machine, type, bytes, size);
}

/* Without a handler LLVM would print what it reports, and end the process for an error. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *arg)
{
    bool *failed = arg;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *message = LLVMGetDiagInfoDescription(info);
    fail_say("LLVM reports: %s", message);
    LLVMDisposeMessage(message);
    *failed = true;
}

static void set_target(struct em *em, LLVMTargetMachineRef machine)
{
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(em->module, layout);
    LLVMDisposeTargetData(layout);
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMSetTarget(em->module, triple);
    LLVMDisposeMessage(triple);
}

cj_status compile_emission(const struct plugin_request *request, const struct emission *emission, void **bytes,
                           size_t *size)
{
    LLVMTargetMachineRef machine;
    struct plugin_request resolved;
    bool failed = false;
    TRY(open_machine(request, &resolved, &machine));
    LLVMContextRef context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(context, on_diagnostic, &failed);
    struct em em;
    em_open(&em, context, &resolved);
    set_target(&em, machine);
    emission->emit(&em, emission->arg);
    em_finish(&em);
    cj_status status = produce(&em, request, machine, bytes, size);
    em_close(&em);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
    if (status != CJ_OK || !failed)
        return status;
    free(*bytes);
    return CJ_COMPILE;
}

cj_status compile_plan(const struct plugin_request *request, void **bytes, size_t *size)
{
    return compile_emission(request, &(struct emission){emit_algorithm, request->plan}, bytes, size);
}
