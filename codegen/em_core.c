/* The frame of a kernel and the words on indices.
 *
 * Every kernel is one function of one module in a context of its own, so that kernels compile side by side.
 * Indices are 64-bit integers; the builder folds constants, which keeps algorithm files free of special
 * cases for sizes that are known now. */
#include "em_internal.h"

#include "../src/blob.h"

#include <stdio.h>
#include <string.h>

static const char *const argument_names[] = {"dst",   "src",     "weights", "bias",
                                             "extra", "scratch", "first",   "last"};
enum { ARGUMENTS = 8, FIRST_UNIT = 6, LAST_UNIT = 7 };

static void set_attribute(struct em *em, const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(em->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(em->context, kind, 0));
}

static void set_text_attribute(struct em *em, const char *name, const char *value)
{
    LLVMAddAttributeAtIndex(
        em->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
        LLVMCreateStringAttribute(em->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value)));
}

static void make_types(struct em *em, const struct plan *plan)
{
    em->is_f64 = plan->conv.dtype == CJ_F64;
    em->element = em->is_f64 ? LLVMDoubleTypeInContext(em->context) : LLVMFloatTypeInContext(em->context);
    em->element_bytes = dtype_bytes((cj_dtype)plan->conv.dtype);
    em->lanes = (int)plan->lanes;
    em->vector = LLVMVectorType(em->element, (unsigned)em->lanes);
    em->index = LLVMInt64TypeInContext(em->context);
    em->index_vector =
        LLVMVectorType(LLVMIntTypeInContext(em->context, (unsigned)em->element_bytes * 8), (unsigned)em->lanes);
    em->pointer = LLVMPointerTypeInContext(em->context, 0);
}

static void make_function(struct em *em, const struct isa_info *isa, const char *cpu)
{
    LLVMTypeRef types[ARGUMENTS];
    for (int i = 0; i < ARGUMENTS; i++)
        types[i] = i < FIRST_UNIT ? em->pointer : em->index;
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(em->context), types, ARGUMENTS, 0);
    em->function = LLVMAddFunction(em->module, BLOB_SYMBOL, type);
    for (int i = 0; i < ARGUMENTS; i++)
        LLVMSetValueName2(LLVMGetParam(em->function, (unsigned)i), argument_names[i],
                          strlen(argument_names[i]));
    char width[16];
    snprintf(width, sizeof width, "%d", isa->vector_bytes * 8);
    set_attribute(em, "nounwind");
    set_text_attribute(em, "target-cpu", cpu);
    /* Without these LLVM may split 512-bit operations into halves, by its taste for a CPU's clock. */
    set_text_attribute(em, "prefer-vector-width", width);
    set_text_attribute(em, "min-legal-vector-width", width);
}

void em_open(struct em *em, LLVMContextRef context, const struct plugin_request *request)
{
    const struct plan *plan = request->plan;
    const struct isa_info *isa = isa_info((cj_isa)plan->isa);
    *em = (struct em){.context = context, .has_fma = isa->has_fma != 0, .has_masks = isa->has_masks != 0};
    em->module = LLVMModuleCreateWithNameInContext("convjit", context);
    make_types(em, plan);
    make_function(em, isa, request->cpu);
    em->entry_builder = LLVMCreateBuilderInContext(context);
    em->builder = LLVMCreateBuilderInContext(context);
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(context, em->function, "entry");
    LLVMBasicBlockRef start = LLVMAppendBasicBlockInContext(context, em->function, "start");
    LLVMPositionBuilderAtEnd(em->entry_builder, entry);
    LLVMPositionBuilderBefore(em->entry_builder, LLVMBuildBr(em->entry_builder, start));
    LLVMPositionBuilderAtEnd(em->builder, start);
}

void em_finish(struct em *em)
{
    LLVMBuildRetVoid(em->builder);
}

void em_close(struct em *em)
{
    LLVMDisposeBuilder(em->builder);
    LLVMDisposeBuilder(em->entry_builder);
    LLVMDisposeModule(em->module);
}

LLVMValueRef em_slot(struct em *em, LLVMTypeRef type)
{
    return LLVMBuildAlloca(em->entry_builder, type, "");
}

em_ptr em_argument(struct em *em, enum em_arg which)
{
    return (em_ptr){LLVMGetParam(em->function, (unsigned)which)};
}

em_int em_first_unit(struct em *em)
{
    return (em_int){LLVMGetParam(em->function, FIRST_UNIT)};
}
em_int em_last_unit(struct em *em)
{
    return (em_int){LLVMGetParam(em->function, LAST_UNIT)};
}

int em_lanes(const struct em *em)
{
    return em->lanes;
}
bool em_is_f64(const struct em *em)
{
    return em->is_f64;
}

em_int em_i(struct em *em, int64_t constant)
{
    return (em_int){LLVMConstInt(em->index, (unsigned long long)constant, 1)};
}

em_int em_add(struct em *em, em_int a, em_int b)
{
    return (em_int){LLVMBuildNSWAdd(em->builder, a.v, b.v, "")};
}
em_int em_sub(struct em *em, em_int a, em_int b)
{
    return (em_int){LLVMBuildNSWSub(em->builder, a.v, b.v, "")};
}
em_int em_mul(struct em *em, em_int a, em_int b)
{
    return (em_int){LLVMBuildNSWMul(em->builder, a.v, b.v, "")};
}
em_int em_div(struct em *em, em_int a, em_int b)
{
    return (em_int){LLVMBuildUDiv(em->builder, a.v, b.v, "")};
}
em_int em_rem(struct em *em, em_int a, em_int b)
{
    return (em_int){LLVMBuildURem(em->builder, a.v, b.v, "")};
}

em_int em_addc(struct em *em, em_int a, int64_t constant)
{
    return constant ? em_add(em, a, em_i(em, constant)) : a;
}

em_int em_mulc(struct em *em, em_int a, int64_t constant)
{
    return constant == 1 ? a : constant ? em_mul(em, a, em_i(em, constant)) : em_i(em, 0);
}

em_int em_ceil_divc(struct em *em, em_int a, int64_t b)
{
    if (b == 1)
        return a;
    /* The division rounds towards zero: right below zero, one short above it unless b divides a. */
    em_int up = {LLVMBuildSDiv(em->builder, em_addc(em, a, b - 1).v, em_i(em, b).v, "")};
    em_int down = {LLVMBuildSDiv(em->builder, a.v, em_i(em, b).v, "")};
    return em_choose(em, em_lt(em, em_i(em, 0), a), up, down);
}

em_cond em_lt(struct em *em, em_int a, em_int b)
{
    return (em_cond){LLVMBuildICmp(em->builder, LLVMIntSLT, a.v, b.v, "")};
}

em_cond em_eq(struct em *em, em_int a, em_int b)
{
    return (em_cond){LLVMBuildICmp(em->builder, LLVMIntEQ, a.v, b.v, "")};
}

em_cond em_and(struct em *em, em_cond a, em_cond b)
{
    return (em_cond){LLVMBuildAnd(em->builder, a.v, b.v, "")};
}

em_cond em_not(struct em *em, em_cond a)
{
    return (em_cond){LLVMBuildNot(em->builder, a.v, "")};
}

em_int em_choose(struct em *em, em_cond cond, em_int yes, em_int no)
{
    return (em_int){LLVMBuildSelect(em->builder, cond.v, yes.v, no.v, "")};
}

em_ptr em_choose_pointer(struct em *em, em_cond cond, em_ptr yes, em_ptr no)
{
    return (em_ptr){LLVMBuildSelect(em->builder, cond.v, yes.v, no.v, "")};
}

em_int em_min(struct em *em, em_int a, em_int b)
{
    return em_choose(em, em_lt(em, a, b), a, b);
}
em_int em_max(struct em *em, em_int a, em_int b)
{
    return em_choose(em, em_lt(em, a, b), b, a);
}

em_int em_clamp(struct em *em, em_int a, em_int low, em_int high)
{
    return em_min(em, em_max(em, a, low), high);
}

bool em_known(em_int a, int64_t *value)
{
    if (!LLVMIsAConstantInt(a.v))
        return false;
    *value = LLVMConstIntGetSExtValue(a.v);
    return true;
}

em_int em_table(struct em *em, const int64_t *row, int64_t count, em_int index)
{
    int64_t same = 1;
    while (same < count && row[same] == row[0])
        same++;
    if (same >= count)
        return em_i(em, row[0]);
    /* As bytes: the order of an x86-64 is the one of the machine that writes the table. */
    LLVMValueRef bytes =
        LLVMConstStringInContext2(em->context, (const char *)row, (size_t)count * sizeof *row, 1);
    LLVMValueRef table = LLVMAddGlobal(em->module, LLVMTypeOf(bytes), "table");
    LLVMSetInitializer(table, bytes);
    LLVMSetAlignment(table, sizeof *row);
    LLVMSetLinkage(table, LLVMPrivateLinkage);
    LLVMSetGlobalConstant(table, 1);
    LLVMSetUnnamedAddress(table, LLVMGlobalUnnamedAddr);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(em->builder, em->index, table, &index.v, 1, "");
    return (em_int){LLVMBuildLoad2(em->builder, em->index, at, "")};
}

em_int em_digit(struct em *em, em_int *index, int64_t radix)
{
    if (radix == 1)
        return em_i(em, 0);
    em_int digit = em_rem(em, *index, em_i(em, radix));
    *index = em_div(em, *index, em_i(em, radix));
    return digit;
}
