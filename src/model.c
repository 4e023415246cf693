/* Two multiply-adds start in a cycle on every x86-64 core with 256-bit units since Haswell, each taking 4 to 5
 * cycles; two loads (three on Zen 3 and later) and one store. Without fused instructions a multiply-add is
 * two operations. */
#include "model.h"

#include "arith.h"

double model_step(const struct target *target, double rows, double vecs, double loads)
{
    double arithmetic = rows * vecs / (isa_info(target->isa)->has_fma ? 2 : 1);
    double memory = loads / 2;
    return (arithmetic > memory ? arithmetic : memory) + 0.1; /* the loop itself: a few of 4-6 slots a cycle */
}

double model_copy(const struct plan *plan, double elements, bool contiguous)
{
    return contiguous ? elements / (double)plan->lanes * 1.5 : elements * 1.5;
}

double model_store(double lanes, int64_t stride)
{
    return stride == 1 ? 1 : lanes * 1.5;
}

int64_t model_tile_rows(const struct target *target, int64_t vecs)
{
    const struct isa_info *isa = isa_info(target->isa);
    /* One register for the broadcast where it cannot be folded, one for the product where nothing fuses. */
    int64_t free_registers = isa->registers - (isa->folds_broadcast ? 2 : 1) - !isa->has_fma - vecs;
    return free_registers / vecs;
}

/* A turn costs three instructions beside its multiply-adds: 24 of these hide them (measured on Zen 4: unrolling
 * a 6x4 tile further gains nothing and compiles longer). A single sum needs 8 in flight to hide its latency. */
enum { ENOUGH_IN_A_TURN = 24, MOST_STEPS = 8 };

int64_t model_unroll(int64_t sums)
{
    return clamp64(ceil_div(ENOUGH_IN_A_TURN, sums), 1, MOST_STEPS);
}

int64_t model_lanes(const struct target *target, cj_dtype dtype, int64_t channels)
{
    int64_t most = target_lanes(target, dtype), lanes = 2;
    while (lanes < most && lanes < channels)
        lanes *= 2;
    return min64(lanes, most);
}
