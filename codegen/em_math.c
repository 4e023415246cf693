/* Arithmetic on vectors.
 *
 * Nothing here may become a call: rounding and powers of two are done on the bits of the number, because the
 * instructions for them do not exist on every instruction set and LLVM would call libm instead. */
#include "em_internal.h"

#include <string.h>

LLVMValueRef em_intrinsic(struct em *em, const char *name, LLVMTypeRef type, LLVMValueRef *args, unsigned count)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef callee = LLVMGetIntrinsicDeclaration(em->module, id, &type, 1);
    return LLVMBuildCall2(em->builder, LLVMGlobalGetValueType(callee), callee, args, count, "");
}

LLVMValueRef em_splat(struct em *em, LLVMTypeRef vector, LLVMValueRef value)
{
    LLVMValueRef none = LLVMGetPoison(vector);
    LLVMValueRef one = LLVMBuildInsertElement(em->builder, none, value, em_i(em, 0).v, "");
    LLVMTypeRef lane = LLVMInt32TypeInContext(em->context);
    LLVMValueRef first = LLVMConstNull(LLVMVectorType(lane, (unsigned)em->lanes));
    return LLVMBuildShuffleVector(em->builder, one, none, first, "");
}

LLVMValueRef em_splat_int(struct em *em, LLVMTypeRef vector, int64_t value)
{
    LLVMValueRef lanes[64];
    LLVMValueRef one = LLVMConstInt(LLVMGetElementType(vector), (unsigned long long)value, 1);
    for (int i = 0; i < em->lanes; i++)
        lanes[i] = one;
    return LLVMConstVector(lanes, (unsigned)em->lanes);
}

em_vec em_vconst(struct em *em, double value)
{
    LLVMValueRef lanes[64];
    for (int i = 0; i < em->lanes; i++)
        lanes[i] = LLVMConstReal(em->element, value);
    return (em_vec){LLVMConstVector(lanes, (unsigned)em->lanes)};
}

em_vec em_vadd(struct em *em, em_vec a, em_vec b)
{
    return (em_vec){LLVMBuildFAdd(em->builder, a.v, b.v, "")};
}
em_vec em_vsub(struct em *em, em_vec a, em_vec b)
{
    return (em_vec){LLVMBuildFSub(em->builder, a.v, b.v, "")};
}
em_vec em_vmul(struct em *em, em_vec a, em_vec b)
{
    return (em_vec){LLVMBuildFMul(em->builder, a.v, b.v, "")};
}
em_vec em_vdiv(struct em *em, em_vec a, em_vec b)
{
    return (em_vec){LLVMBuildFDiv(em->builder, a.v, b.v, "")};
}

em_vec em_vabs(struct em *em, em_vec a)
{
    return (em_vec){em_intrinsic(em, "llvm.fabs", em->vector, (LLVMValueRef[]){a.v}, 1)};
}

em_vec em_vcopysign(struct em *em, em_vec magnitude, em_vec sign)
{
    return (em_vec){em_intrinsic(em, "llvm.copysign", em->vector, (LLVMValueRef[]){magnitude.v, sign.v}, 2)};
}

em_vec em_fma(struct em *em, em_vec a, em_vec b, em_vec c)
{
    if (em->has_fma)
        return (em_vec){em_intrinsic(em, "llvm.fma", em->vector, (LLVMValueRef[]){a.v, b.v, c.v}, 3)};
    return em_vadd(em, em_vmul(em, a, b), c);
}

static em_vec select_by(struct em *em, LLVMRealPredicate predicate, em_vec a, em_vec b)
{
    LLVMValueRef holds = LLVMBuildFCmp(em->builder, predicate, a.v, b.v, "");
    return (em_vec){LLVMBuildSelect(em->builder, holds, a.v, b.v, "")};
}

em_vec em_vmax(struct em *em, em_vec a, em_vec b)
{
    return select_by(em, LLVMRealOGT, a, b);
}
em_vec em_vmin(struct em *em, em_vec a, em_vec b)
{
    return select_by(em, LLVMRealOLT, a, b);
}

em_mask em_vlt(struct em *em, em_vec a, em_vec b)
{
    return (em_mask){LLVMBuildFCmp(em->builder, LLVMRealOLT, a.v, b.v, "")};
}

em_vec em_vselect(struct em *em, em_mask mask, em_vec yes, em_vec no)
{
    return (em_vec){LLVMBuildSelect(em->builder, mask.v, yes.v, no.v, "")};
}

/* 1.5 * 2^(mantissa bits): a sum with it has its last bit worth one, so that the addition rounds. */
static em_vec rounder(struct em *em)
{
    return em_vconst(em, em->is_f64 ? 0x1.8p52 : 0x1.8p23);
}

em_vec em_vround(struct em *em, em_vec x)
{
    return em_vsub(em, em_vadd(em, x, rounder(em)), rounder(em));
}

em_vec em_vpow2(struct em *em, em_vec k)
{
    int mantissa = em->is_f64 ? 52 : 23;
    int64_t bias = em->is_f64 ? 1023 : 127;
    /* The low bits of rounder + k are k; moved into the exponent's place they are the power's bits. */
    LLVMValueRef bits = LLVMBuildBitCast(em->builder, em_vadd(em, k, rounder(em)).v, em->index_vector, "");
    bits = LLVMBuildAdd(em->builder, bits, em_splat_int(em, em->index_vector, bias), "");
    bits = LLVMBuildShl(em->builder, bits, em_splat_int(em, em->index_vector, mantissa), "");
    return (em_vec){LLVMBuildBitCast(em->builder, bits, em->vector, "")};
}
