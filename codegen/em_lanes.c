/* Elements that change lanes: shuffles that are known now, which LLVM makes the cheapest instructions of. */
#include "em_internal.h"

em_vec em_pick(struct em *em, const em_vec from[], int step, int first)
{
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    LLVMValueRef picked = from[0].v, index[64];
    for (int part = step > 1; part < step; part++) {
        for (int i = 0; i < em->lanes; i++) {
            int at = i * step + first, here = at / em->lanes == part;
            int before = part == 1 ? at : i; /* the first shuffle picks from the first vector, too */
            index[i] =
                LLVMConstInt(type, (unsigned)(here ? em->lanes + at % em->lanes : before % em->lanes), 0);
        }
        picked = LLVMBuildShuffleVector(em->builder, picked, from[part].v,
                                        LLVMConstVector(index, (unsigned)em->lanes), "");
    }
    return (em_vec){picked};
}

em_vec em_spread(struct em *em, em_vec x, int each, int step, int first)
{
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    LLVMValueRef index[64];
    for (int i = 0; i < em->lanes; i++) {
        int from = i / each * step + first;
        index[i] = from < em->lanes ? LLVMConstInt(type, (unsigned)from, 0) : LLVMGetPoison(type);
    }
    LLVMValueRef lanes = LLVMConstVector(index, (unsigned)em->lanes);
    return (em_vec){LLVMBuildShuffleVector(em->builder, x.v, LLVMGetPoison(em->vector), lanes, "")};
}

em_vec em_slide(struct em *em, em_vec a, em_vec b, int n)
{
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    LLVMValueRef index[64];
    for (int i = 0; i < em->lanes; i++)
        index[i] = LLVMConstInt(type, (unsigned)(i + n), 0);
    return (em_vec){
        LLVMBuildShuffleVector(em->builder, a.v, b.v, LLVMConstVector(index, (unsigned)em->lanes), "")};
}
