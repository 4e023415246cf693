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

double model_unaligned(const struct plan *plan)
{
    double element = dtype_bytes((cj_dtype)plan->conv.dtype), bytes = (double)plan->lanes * element;
    return 1 + (bytes - element) / 64; /* lines of 64 bytes */
}

double model_width(const struct plan *plan, const struct target *target)
{
    bool narrower = plan->lanes < target_lanes(target, (cj_dtype)plan->conv.dtype);
    return narrower ? 1 / (double)target->passes : 1;
}

bool model_halves(const struct plan *plan, const struct target *target, int64_t channels)
{
    bool two_passes = target->passes > 1 && plan->lanes == target_lanes(target, (cj_dtype)plan->conv.dtype);
    int64_t rest = channels % plan->lanes;
    return two_passes && rest > 0 && rest <= plan->lanes / 2;
}

/* L2 gives a vector, or half a line if that is more, in the time of two multiply-adds (measured: 29 bytes a
 * cycle on Zen 4, whose 512-bit operations take two cycles; 50 on Zen 5). */
double model_fetch(const struct target *target, double bytes, double distance)
{
    double in_a_cycle = fmax(isa_info(target->isa)->vector_bytes, 32);
    return distance > (double)target->l1 / 2 ? bytes / in_a_cycle : 0;
}

double model_weight_distance(const struct plan *plan, double bytes)
{
    double pixels = 1;
    for (int a = 0; a < AXES; a++)
        pixels *= (double)conv_most_outs(&plan->conv, a);
    return pixels > (double)plan->tile_rows ? bytes : (double)plan->packed_bytes;
}

enum model_move model_move(int64_t lane_step, int64_t row_step)
{
    enum { NEAR = 4 }; /* four elements and more of f32 on a line */
    if (lane_step == 1 || row_step == 1)
        return lane_step == 1 ? MOVE_RUNS : MOVE_EXCHANGED;
    bool near = (lane_step > 1 && lane_step <= NEAR) || (row_step > 1 && row_step <= NEAR);
    return near ? MOVE_NEAR : MOVE_SCATTERED;
}

/* Cycles of an element: a load and a store for each vector; with log2(lanes) shuffles of a square's every
 * vector between them, squares being at most 256 bits wide (codegen/em_transpose.c): two in a cycle, and four
 * times that where 16 registers do not hold a square and what becomes of it (measured on Zen 4: 0.3 cycles an
 * element, and 1 with AVX2); one by one, with the loop around them: up to 10 cycles where they lie multiples of
 * 4 KB apart. */
static double move_cycles(const struct plan *plan, enum model_move how)
{
    double lanes = (double)plan->lanes,
           side = (double)min64(plan->lanes, 32 / dtype_bytes((cj_dtype)plan->conv.dtype));
    double shuffles = log2(side) * (isa_info((cj_isa)plan->isa)->registers > 16 ? 0.5 : 2);
    const double cycles[] = {[MOVE_RUNS] = 1.5 / lanes,
                             [MOVE_EXCHANGED] = (shuffles + 1.1) / side,
                             [MOVE_NEAR] = 2,
                             [MOVE_SCATTERED] = 4};
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

/* Zen 4 and 5 read 22 to 28 bytes a cycle from L3 and 7 to 10 from memory (measured, one core). */
enum { L3_BYTES_PER_CYCLE = 22, MEMORY_BYTES_PER_CYCLE = 7 };

/* What other cores and other kernels touch takes its part of L3. */
#define L3_PART 0.5

/* Estimates count a pass of a vector as a cycle; where vectors take two, memory has twice the time. It hides
 * behind arithmetic the less the closer it comes to it: the cubic mean fits products on Zen 4 that walk 4 MB
 * five times (no loss at half of the rate), and once 25 and 33 MB. */
double model_streamed(const struct target *target, double cycles, double bytes, double of)
{
    bool in_l3 = of <= (double)target->l3 * L3_PART;
    double rate = (double)(target->passes * (in_l3 ? L3_BYTES_PER_CYCLE : MEMORY_BYTES_PER_CYCLE));
    double memory = of > (double)target->l2 ? bytes / rate : 0;
    return cbrt(cycles * cycles * cycles + memory * memory * memory);
}

double model_spill(const struct target *target, double bytes)
{
    double beyond = bytes - (double)target->l2 / 2;
    return beyond > 0 ? 2 * beyond / (double)(target->passes * L3_BYTES_PER_CYCLE) : 0;
}

/* Each version is some 3 ms of compile time and a KB of code that must come through the instruction cache. */
double model_bodies(int64_t bodies)
{
    return 1 + 0.005 * (double)(bodies - 1);
}

/* An element takes 2.5 to 3 cycles on Zen 4, transformed 3 to 5, and its part of a page that the system has to
 * clear one more. Passes of arithmetic are what a cycle of an estimate is. */
double model_pack(const struct plan *plan, const struct target *target)
{
    double cycles = plan->wino_cols ? 5 : 4;
    return (double)plan->packed_bytes / dtype_bytes((cj_dtype)plan->conv.dtype) * cycles /
           (double)target->passes;
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

/* Kernel rows up to 7 taps are unrolled whole: 7 steps of a full tile are 112 multiply-adds, about 1 KB. Longer
 * ones by as many as leave the smallest rest, whose taps go one by one, where registers hold their pixels. */
int64_t model_depthwise_unroll(cj_isa isa, int64_t taps)
{
    int64_t most = 7, least = 4, best = isa_info(isa)->registers < 32 ? least : most;
    if (taps <= most)
        return max64(taps, 1);
    for (int64_t unroll = best; unroll >= least; unroll--)
        best = taps % unroll < taps % best ? unroll : best;
    return best;
}

int64_t model_channel_lanes(const struct target *target, const struct conv *conv, int64_t channels)
{
    int64_t lanes = model_lanes(target, (cj_dtype)conv->dtype, channels);
    return conv->dst.block ? min64(lanes, conv->dst.block) : lanes;
}

int64_t model_lanes(const struct target *target, cj_dtype dtype, int64_t channels)
{
    int64_t most = target_lanes(target, dtype), lanes = 2;
    while (lanes < most && lanes < channels)
        lanes *= 2;
    return min64(lanes, most);
}

/* With an odd number, two threads differ by one unit. */
enum { MANY_UNITS = 32 };

/* Into how many units the `blocks` of channels of each of `units` blocks of pixels go. */
static int64_t parts_of(int64_t units, int64_t blocks, int64_t enough)
{
    int64_t parts = min64(ceil_div(enough, units), blocks);
    return units * parts % 2 == 1 && units * parts < MANY_UNITS && parts < blocks ? parts + 1 : parts;
}

int64_t model_unit_channels(const struct plan *plan, int64_t enough)
{
    struct channel_block channels = grid_channels(plan);
    struct grid grid = grid_of_plan(plan);
    int64_t blocks = ceil_div(channels.channels, channels.block);
    return ceil_div(blocks, parts_of(grid_units(&grid), blocks, enough)) * channels.block;
}

/* Multiply-adds of a turn of a stencil, about 1 KB of code; each of up to five versions is emitted. */
enum { MOST_IN_TURN = 80 };

int64_t model_stencil_unroll(const struct plan *plan)
{
    const struct axis *w = &plan->conv.axis[AXIS_W];
    int64_t products = plan->tile_rows * plan->tile_vecs * grid_taps_in_turn(&plan->conv), unroll = w->kernel;
    while (unroll > 1 && (w->kernel % unroll || unroll * products > MOST_IN_TURN))
        unroll--;
    return unroll;
}

/* Each row takes an accumulator, beside the weights of a column of taps or, where registers are few, a vector
 * of input that later rows need again. 8 hide the latency of sums and share loads enough for 3 rows of taps;
 * for more of them 10 are 5% faster, and twice as many where twice as many sums are in flight (Zen 4). Taps
 * further apart than the tile is high share nothing, so that only more rows save weights. */
int64_t model_stencil_rows(const struct plan *plan, int64_t in_flight)
{
    const struct axis *h = &plan->conv.axis[AXIS_H];
    int64_t registers = isa_info((cj_isa)plan->isa)->registers - 2;
    int64_t rows = grid_keeps_weights(plan) ? registers - grid_taps_in_turn(&plan->conv) : registers / 2;
    int64_t shared = (h->kernel > 4 ? 10 : 8) * in_flight;
    return min64(rows, h->dilation < shared ? shared : rows) / plan->tile_vecs;
}
