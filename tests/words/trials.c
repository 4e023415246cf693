#include "trials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../codegen/compile.h"
#include "../../codegen/em_internal.h"
#include "../../runtime/host.h"
#include "../support/guard.h"

#include <stdio.h>
#include <stdlib.h>

int words_wrong_ones(bool (*trial)(const struct words *words, const void *arg), const void *arg)
{
    struct host host;
    host_probe(&host);
    int wrong = 0;
    for (int isa = CJ_ISA_SSE2; isa <= (int)host.isa; isa++)
        for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++) {
            struct target preset = target_preset((cj_isa)isa);
            for (int lanes = 1; lanes <= target_lanes(&preset, (cj_dtype)dtype); lanes *= 2) {
                struct words words = {(cj_isa)isa, (cj_dtype)dtype, lanes};
                guard_announce(words_name(&words));
                wrong += !trial(&words, arg);
            }
        }
    return wrong;
}

bool words_wrong(const struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", words_name(words));
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return false;
}

struct plan words_plan(const struct words *words)
{
    return (struct plan){.conv = {.dtype = words->dtype}, .isa = words->isa, .lanes = words->lanes};
}

/* An emission that sees its plan. */
struct planned {
    const struct plan *plan;
    words_emit *emit;
    const void *arg;
};

static void emit_planned(struct em *em, const void *arg)
{
    const struct planned *planned = arg;
    planned->emit(em, planned->plan, planned->arg);
}

struct words_kernel words_open_plan(const struct plan *plan, words_emit *emit, const void *arg)
{
    struct plugin_request request = {.plan = plan, .format = CJ_FORMAT_OBJECT};
    struct planned planned = {plan, emit, arg};
    struct words_kernel kernel;
    struct blob blob;
    void *object;
    size_t size;
    if (compile_emission(&request, &(struct emission){emit_planned, &planned}, &object, &size) != CJ_OK ||
        blob_from_object(object, size, &blob) != CJ_OK || loader_map(&blob, &kernel.code) != CJ_OK)
        fail_msg("%s", cj_last_error());
    kernel.run = (kernel_fn *)((uintptr_t)kernel.code.pages + blob.entry);
    blob_free(&blob);
    free(object);
    return kernel;
}

void words_run(const struct plan *plan, words_emit *emit, const void *arg, const struct words_call *call)
{
    struct words_kernel kernel = words_open_plan(plan, emit, arg);
    kernel.run(call->dst, call->src, call->weights, call->bias, call->extra, call->scratch, call->first,
               call->last);
    words_close(&kernel);
}

double element_get(cj_dtype dtype, const void *from, int64_t index)
{
    return words_get(&(struct words){.dtype = dtype}, from, index);
}

void element_put(cj_dtype dtype, void *to, int64_t index, double value)
{
    words_set(&(struct words){.dtype = dtype}, to, index, value);
}

static LLVMValueRef int_address(struct em *em, em_ptr at, em_int index)
{
    return LLVMBuildGEP2(em->builder, em->index, at.v, &index.v, 1, "");
}

em_int words_load_int(struct em *em, em_ptr at, em_int index)
{
    return (em_int){LLVMBuildLoad2(em->builder, em->index, int_address(em, at, index), "")};
}

void words_store_int(struct em *em, em_ptr at, em_int index, em_int value)
{
    LLVMBuildStore(em->builder, value.v, int_address(em, at, index));
}

em_int words_distance(struct em *em, em_ptr base, em_ptr pointer)
{
    LLVMValueRef from = LLVMBuildPtrToInt(em->builder, base.v, em->index, "");
    LLVMValueRef to = LLVMBuildPtrToInt(em->builder, pointer.v, em->index, "");
    return (em_int){LLVMBuildSub(em->builder, to, from, "")};
}
