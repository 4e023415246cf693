/* The epilogue works on accumulators before they are stored: the output is written once and never read. */
#include "epilogue.h"

#include "../src/grid.h"
#include "postop.h"

/* Operand pointers that a post-op takes from `extra`. */
static int operand_count(int64_t kind)
{
    return kind == CJ_POST_SCALE_SHIFT ? 2 : kind == CJ_POST_RESIDUAL;
}

struct epilogue epilogue_open(struct em *em, const struct plan *plan)
{
    struct epilogue epilogue = {.conv = &plan->conv, .lanes_are_columns = grid_lanes_are_columns(plan)};
    epilogue.dst = em_argument(em, EM_DST);
    epilogue.bias = em_argument(em, EM_BIAS);
    int next = 0;
    for (int i = 0; i < plan->conv.posts; i++)
        for (int k = 0; k < operand_count(plan->conv.post[i].kind); k++)
            epilogue.operand[2 * i + k] = em_load_pointer(em, em_argument(em, EM_EXTRA), next++);
    return epilogue;
}

static em_vec load_channels(struct em *em, const struct epilogue *epilogue, em_ptr from,
                            const struct output_channels *channels)
{
    em_ptr at = em_offset(em, from, channels->first);
    return epilogue->lanes_are_columns ? em_broadcast(em, at)
                                       : em_load_strided(em, at, channels->step, channels->lanes);
}

struct channel_operands epilogue_channels(struct em *em, const struct epilogue *epilogue,
                                          const struct output_channels *channels)
{
    struct channel_operands operands = {0};
    const struct conv *conv = epilogue->conv;
    if (conv->has_bias)
        operands.bias = load_channels(em, epilogue, epilogue->bias, channels);
    for (int i = 0; i < conv->posts; i++) {
        if (conv->post[i].kind != CJ_POST_SCALE_SHIFT)
            continue;
        operands.first[i] = load_channels(em, epilogue, epilogue->operand[2 * i], channels);
        operands.second[i] = load_channels(em, epilogue, epilogue->operand[2 * i + 1], channels);
    }
    return operands;
}

void epilogue_store(struct em *em, const struct epilogue *epilogue, const struct channel_operands *operands,
                    const struct output_vector *at, em_vec sum)
{
    const struct conv *conv = epilogue->conv;
    em_vec y = conv->has_bias ? em_vadd(em, sum, operands->bias) : sum;
    for (int i = 0; i < conv->posts; i++) {
        em_vec first = operands->first[i];
        if (conv->post[i].kind == CJ_POST_RESIDUAL) {
            em_ptr from = em_offset(em, epilogue->operand[2 * i], at->offset);
            first = em_load_strided(em, from, at->stride, at->lanes);
        }
        y = postop_apply(em, &conv->post[i], y, first, operands->second[i]);
    }
    em_store_strided(em, em_offset(em, epilogue->dst, at->offset), y, at->stride, at->lanes);
}
