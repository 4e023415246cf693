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
static LLVMValueRef compare_lanes(struct em *em, em_int start, int64_t count)
{
    LLVMTypeRef lane = LLVMGetElementType(em->index_vector);
    LLVMValueRef steps[64];
    for (int i = 0; i < em->lanes; i++)
        steps[i] = LLVMConstInt(lane, (unsigned)i, 0);
    LLVMValueRef first = LLVMBuildIntCast2(em->builder, start.v, lane, 1, "");
    LLVMValueRef at = LLVMBuildAdd(em->builder, em_splat(em, em->index_vector, first),
                                   LLVMConstVector(steps, (unsigned)em->lanes), "");
    LLVMValueRef end = em_splat_int(em, em->index_vector, count);
    return LLVMBuildICmp(em->builder, LLVMIntULT, at, end, "");
}

static LLVMTypeRef bits_type(struct em *em)
{
    return LLVMIntTypeInContext(em->context, (unsigned)em->lanes);
}

static LLVMTypeRef mask_type(struct em *em)
{
    return LLVMVectorType(LLVMInt1TypeInContext(em->context), (unsigned)em->lanes);
}

/* Ones from bit clamp(n, 0, lanes) on. */
static LLVMValueRef ones_from(struct em *em, em_int n)
{
    em_int bit = em_clamp(em, n, em_i(em, 0), em_i(em, em->lanes));
    return LLVMBuildShl(em->builder, em_i(em, -1).v, bit.v, "");
}

/* Lanes -start up to count - start. Integers have units of their own: the comparison and its two broadcasts
 * take three turns from the multiply-adds, a mask for each column of taps 13% of a stencil's time (Zen 4). */
static LLVMValueRef mask_of_bits(struct em *em, em_int start, int64_t count)
{
    LLVMValueRef begin = ones_from(em, em_sub(em, em_i(em, 0), start));
    LLVMValueRef end = ones_from(em, em_sub(em, em_i(em, count), start));
    LLVMValueRef bits = LLVMBuildAnd(em->builder, begin, LLVMBuildNot(em->builder, end, ""), "");
    LLVMValueRef lanes = LLVMBuildTrunc(em->builder, bits, bits_type(em), "");
    return LLVMBuildBitCast(em->builder, lanes, mask_type(em), "");
}

em_mask em_inside(struct em *em, em_int start, int64_t count)
{
    int64_t known;
    bool has_bits = em->has_masks && !em_known(start, &known);
    return (em_mask){has_bits ? mask_of_bits(em, start, count) : compare_lanes(em, start, count)};
}

/* LLVM blends by a constant mask, an instruction of its own for each masked one (of 256 bits). */
em_mask em_unknown(struct em *em, em_mask mask)
{
    if (!em->has_masks || !LLVMIsConstant(mask.v))
        return mask;
    LLVMTypeRef number = LLVMInt32TypeInContext(em->context);
    LLVMValueRef bits = LLVMBuildBitCast(em->builder, mask.v, bits_type(em), "");
    bits = em_hidden(em, number, LLVMBuildZExtOrBitCast(em->builder, bits, number, ""));
    bits = LLVMBuildTruncOrBitCast(em->builder, bits, bits_type(em), "");
    return (em_mask){LLVMBuildBitCast(em->builder, bits, mask_type(em), "")};
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
