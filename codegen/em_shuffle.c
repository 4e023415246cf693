/* Shuffles of two vectors that are one instruction each on every x86-64: within chunks of 128 bits (unpack),
 * and of whole chunks (vperm2f128, vshuf64x2). Transposed squares and sums across lanes are made of them. */
#include "em_shuffle.h"

#include "em_internal.h"

enum { CHUNK_BYTES = 16 };

/* `lanes` elements of a (index 0 up) and b (index lanes up). */
static em_vec shuffle(struct em *em, em_vec a, em_vec b, const int *index)
{
    LLVMValueRef lanes[EM_MOST_LANES];
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    for (int i = 0; i < em->lanes; i++)
        lanes[i] = LLVMConstInt(type, (unsigned)index[i], 0);
    return (em_vec){
        LLVMBuildShuffleVector(em->builder, a.v, b.v, LLVMConstVector(lanes, (unsigned)em->lanes), "")};
}

int em_chunk_lanes(const struct em *em)
{
    int lanes = CHUNK_BYTES / em->element_bytes;
    return lanes < em->lanes ? lanes : em->lanes;
}

em_vec em_unpack(struct em *em, em_vec a, em_vec b, int half, int width)
{
    int index[EM_MOST_LANES], chunk = em_chunk_lanes(em);
    for (int i = 0; i < em->lanes; i++) {
        int group = i % chunk / width, from_b = group % 2;
        index[i] = i / chunk * chunk + half * chunk / 2 + group / 2 * width + i % width + from_b * em->lanes;
    }
    return shuffle(em, a, b, index);
}

em_vec em_every_other_chunk(struct em *em, em_vec a, em_vec b, int half)
{
    int index[EM_MOST_LANES], chunk = em_chunk_lanes(em), chunks = em->lanes / chunk;
    for (int i = 0; i < em->lanes; i++) {
        int from = 2 * (i / chunk) + half, from_b = from >= chunks;
        index[i] = (from - from_b * chunks) * chunk + i % chunk + from_b * em->lanes;
    }
    return shuffle(em, a, b, index);
}

em_vec em_poison(struct em *em)
{
    return (em_vec){LLVMGetPoison(em->vector)};
}
