/* Masks: which lanes of a vector count, and access to memory by them alone.
 *
 * A masked access touches nothing for the other lanes, so it may reach out of a tensor with them: masked where
 * the instruction set masks, else by element. */
#include "em_internal.h"

#include <string.h>

em_mask em_every(struct em *em, int step, int n)
{
    LLVMTypeRef truth = LLVMInt1TypeInContext(em->context);
    LLVMValueRef lanes[64];
    for (int i = 0; i < em->lanes; i++)
        lanes[i] = LLVMConstInt(truth, i < n && i % step == 0, 0);
    return (em_mask){LLVMConstVector(lanes, (unsigned)em->lanes)};
}

em_mask em_first(struct em *em, int n)
{
    return em_every(em, 1, n);
}

/* One comparison: below 0 a number is a large one without its sign. */
em_mask em_inside(struct em *em, em_int start, int64_t count)
{
    LLVMTypeRef lane = LLVMGetElementType(em->index_vector);
    LLVMValueRef steps[64];
    for (int i = 0; i < em->lanes; i++)
        steps[i] = LLVMConstInt(lane, (unsigned)i, 0);
    LLVMValueRef first = LLVMBuildIntCast2(em->builder, start.v, lane, 1, "");
    LLVMValueRef at = LLVMBuildAdd(em->builder, em_splat(em, em->index_vector, first),
                                   LLVMConstVector(steps, (unsigned)em->lanes), "");
    LLVMValueRef end = em_splat_int(em, em->index_vector, count);
    return (em_mask){LLVMBuildICmp(em->builder, LLVMIntULT, at, end, "")};
}

/* One of llvm.masked.load and llvm.masked.store, which LLVM splits into elements where nothing masks. */
static LLVMValueRef call_masked(struct em *em, const char *name, LLVMValueRef *args)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef types[] = {em->vector, em->pointer};
    LLVMValueRef callee = LLVMGetIntrinsicDeclaration(em->module, id, types, 2);
    return LLVMBuildCall2(em->builder, LLVMGlobalGetValueType(callee), callee, args, 4, "");
}

static LLVMValueRef element_alignment(struct em *em)
{
    return LLVMConstInt(LLVMInt32TypeInContext(em->context), (unsigned)em->element_bytes, 0);
}

em_vec em_load_masked(struct em *em, em_ptr from, em_mask mask)
{
    if (mask.v == em_first(em, em->lanes).v)
        return em_load(em, from);
    LLVMValueRef args[] = {from.v, element_alignment(em), mask.v, LLVMConstNull(em->vector)};
    return (em_vec){call_masked(em, "llvm.masked.load", args)};
}

void em_store_masked(struct em *em, em_ptr to, em_vec value, em_mask mask)
{
    if (mask.v == em_first(em, em->lanes).v) {
        em_store(em, to, value);
        return;
    }
    LLVMValueRef args[] = {value.v, to.v, element_alignment(em), mask.v};
    call_masked(em, "llvm.masked.store", args);
}
