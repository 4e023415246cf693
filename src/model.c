/* Two multiply-adds start in a cycle on every x86-64 core with 256-bit units since Haswell, each taking 4 to 5
 * cycles; two loads (three on Zen 3 and later) and one store. Without fused instructions a multiply-add is
 * two operations. */
#include "model.h"

#include "arith.h"
#include "grid.h"

#include <math.h>

double model_step(const struct target *target, double rows, double vecs, double loads)
{
    double arithmetic = rows * vecs / (isa_info(target->isa)->has_fma ? 2 : 1);
    double memory = loads / 2;
    return (arithmetic > memory ? arithmetic : memory) + 0.1; /* the loop itself: a few of 4-6 slots a cycle */
}

/* L2 gives about 30 bytes in a cycle (measured: 29 on Zen 4, 50 on Zen 5). */
enum { L2_BYTES_PER_CYCLE = 32 };

double model_fetch(const struct plan *plan, const struct target *target, double vecs, double bytes)
{
    const struct conv *conv = &plan->conv;
    double pixels = 1, step = vecs * (double)(plan->lanes * dtype_bytes((cj_dtype)conv->dtype));
    for (int a = 0; a < AXES; a++)
        pixels *= (double)conv_most_outs(conv, a);
    double reused = pixels > (double)plan->tile_rows ? bytes : (double)plan->packed_bytes;
    return reused > (double)target->l1 / 2 ? step / L2_BYTES_PER_CYCLE : 0;
}

enum model_move model_move(int64_t lane_step, int64_t row_step)
{
    return lane_step == 1 ? MOVE_RUNS : row_step == 1 ? MOVE_EXCHANGED : MOVE_SCATTERED;
}

/* Cycles of an element: a load and a store for each vector; with log2(lanes) shuffles of a square's every
 * vector between them, squares being at most 256 bits wide (codegen/em_transpose.c); one by one, with the loop
 * around them. */
static double move_cycles(const struct plan *plan, enum model_move how)
{
    double lanes = (double)plan->lanes,
           side = (double)min64(plan->lanes, 32 / dtype_bytes((cj_dtype)plan->conv.dtype));
    const double cycles[] = {
        [MOVE_RUNS] = 1.5 / lanes, [MOVE_EXCHANGED] = (log2(side) + 2) / side, [MOVE_SCATTERED] = 2};
    return cycles[how];
}

double model_copy(const struct plan *plan, double elements, enum model_move how)
{
    return elements * move_cycles(plan, how);
}

/* What does not go straight to the output passes through a block on the stack. */
double model_store(const struct plan *plan, enum model_move how)
{
    return how == MOVE_RUNS ? 1 : 1 + (double)plan->lanes * move_cycles(plan, how);
}

/* Each version is some 3 ms of compile time and a KB of code that must come through the instruction cache. */
double model_bodies(int64_t bodies)
{
    return 1 + 0.005 * (double)(bodies - 1);
}

int64_t model_tile_rows(const struct target *target, int64_t vecs)
{
    const struct isa_info *isa = isa_info(target->isa);
    /* One register for the broadcast where it cannot be folded, one for the product where nothing fuses. */
    int64_t free_registers = isa->registers - (isa->folds_broadcast ? 2 : 1) - !isa->has_fma - vecs;
    return free_registers / vecs;
}

int64_t model_even_rows(int64_t count, int64_t most)
{
    for (int64_t rows = most; rows > 0 && 2 * rows >= most; rows--)
        if (count % rows == 0)
            return rows;
    return most;
}

/* A turn costs three instructions beside its multiply-adds: 24 of these hide them (measured on Zen 4: unrolling
 * a 6x4 tile further gains nothing and compiles longer). A single sum needs 8 in flight to hide its latency. */
enum { ENOUGH_IN_A_TURN = 24, MOST_STEPS = 8 };

int64_t model_unroll(int64_t sums)
{
    return clamp64(ceil_div(ENOUGH_IN_A_TURN, sums), 1, MOST_STEPS);
}

/* Half of the registers hold sums, the others pixels: neighbouring taps share them, so that a row of the kernel
 * loads each pixel once. A tile that leaves no room for them is half as fast (measured on Zen 4: 28x1 reaches
 * 40 to 69% of peak where 7x2 reaches 97%). 8 sums hide the latency of each. */
int64_t model_depthwise_rows(cj_isa isa, int64_t vecs, int64_t cols)
{
    int64_t most = max64(min64(isa_info(isa)->registers / 2 / vecs, 8), 1);
    return model_even_rows(cols, min64(most, cols));
}

/* Kernel rows up to 7 taps are unrolled whole: 7 steps of a full tile are 112 multiply-adds, about 1 KB. */
int64_t model_depthwise_unroll(int64_t taps)
{
    return taps <= 7 ? max64(taps, 1) : 4;
}

int64_t model_lanes(const struct target *target, cj_dtype dtype, int64_t channels)
{
    int64_t most = target_lanes(target, dtype), lanes = 2;
    while (lanes < most && lanes < channels)
        lanes *= 2;
    return min64(lanes, most);
}
