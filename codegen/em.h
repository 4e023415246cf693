/* em: the words in which algorithms are written.
 *
 * A small typed vocabulary over LLVM-C for one function, `convjit_kernel`. Algorithm files include this header
 * and no LLVM header. The rules:
 *
 *   Two stages, two looks. A C `for` happens now and unrolls; EM_FOR happens in the generated code.
 *   Types are distinct: an index, a condition, a pointer, a vector and a mask do not convert into each other.
 *   A vector has plan->lanes elements of the type that sums are taken in. Pointers count in elements.
 *   Constants fold: words on constants give constants, and EM_FOR over a single constant turn is no loop.
 *   Words do not fail: what LLVM has against a module is found by the verifier once, when it is whole.
 *
 * No word knows what a convolution is; no algorithm knows the element type or the instruction set. */
#ifndef CONVJIT_EM_H
#define CONVJIT_EM_H

#include "../src/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct LLVMOpaqueValue;

typedef struct {
    struct LLVMOpaqueValue *v;
} em_int; /* a 64-bit index or count */

typedef struct {
    struct LLVMOpaqueValue *v;
} em_cond; /* true or false */

typedef struct {
    struct LLVMOpaqueValue *v;
} em_ptr; /* the address of an element */

typedef struct {
    struct LLVMOpaqueValue *v;
} em_vec; /* plan->lanes elements */

typedef struct {
    struct LLVMOpaqueValue *v;
} em_mask; /* plan->lanes truths */

typedef struct {
    struct LLVMOpaqueValue *v;
} em_var; /* a vector that generated code assigns to; becomes a register */

struct em;

/* ---- The kernel's arguments (see src/plugin.h) ---- */

enum em_arg { EM_DST, EM_SRC, EM_WEIGHTS, EM_BIAS, EM_EXTRA, EM_SCRATCH };
em_ptr em_argument(struct em *em, enum em_arg which);
em_int em_first_unit(struct em *em);
em_int em_last_unit(struct em *em);

/* Elements in a vector. */
int em_lanes(const struct em *em);

/* ---- Indices ---- */

em_int em_i(struct em *em, int64_t constant);
em_int em_add(struct em *em, em_int a, em_int b);
em_int em_sub(struct em *em, em_int a, em_int b);
em_int em_mul(struct em *em, em_int a, em_int b);
em_int em_div(struct em *em, em_int a, em_int b); /* a and b not negative */
em_int em_rem(struct em *em, em_int a, em_int b); /* a and b not negative */
em_int em_min(struct em *em, em_int a, em_int b);
em_int em_max(struct em *em, em_int a, em_int b);
em_int em_addc(struct em *em, em_int a, int64_t constant);
em_int em_mulc(struct em *em, em_int a, int64_t constant);
em_int em_clamp(struct em *em, em_int a, em_int low, em_int high);

/* ceil(a / b) for any a and a constant b of at least 1. */
em_int em_ceil_divc(struct em *em, em_int a, int64_t b);

em_cond em_lt(struct em *em, em_int a, em_int b); /* signed */
em_cond em_eq(struct em *em, em_int a, em_int b);
em_cond em_and(struct em *em, em_cond a, em_cond b);
em_cond em_not(struct em *em, em_cond a);
em_int em_choose(struct em *em, em_cond cond, em_int yes, em_int no);
em_ptr em_choose_pointer(struct em *em, em_cond cond, em_ptr yes, em_ptr no);

/* True, with *value set, where the index is known now. */
bool em_known(em_int a, int64_t *value);

/* row[index] of a table that lies behind the code; a constant where all entries agree. */
em_int em_table(struct em *em, const int64_t *row, int64_t count, em_int index);

/* Split `*index` by a mixed radix: returns *index % radix and leaves *index / radix. */
em_int em_digit(struct em *em, em_int *index, int64_t radix);

/* ---- Flow ---- */

/* EM_FOR (em, i, begin, end) { ... i.at ... } counts up by one; no turn if begin >= end. EM_STREAM counts by a
 * constant and is for innermost loops; what it reads and writes is addressed from em_walk, not from i.at.
 * EM_IF (em, cond) { ... } runs its body where the condition holds. */
enum { EM_WALKERS = 4 };
struct em_walker {
    em_ptr at;
    int64_t elements;
};
struct em_for {
    struct em *em;
    em_int at;
    struct LLVMOpaqueBasicBlock *body, *done, *from;
    int64_t step;
    em_int end;
    bool innermost;
    int state;
    int walkers;
    struct em_walker walker[EM_WALKERS];
};
struct em_for em_for_begin(struct em *em, em_int begin, em_int end, int64_t step, bool innermost);
void em_for_end(struct em_for *loop);

/* `base` in the first turn, `elements` further in each turn after it. `base` must have been computed in front
 * of the loop. At most EM_WALKERS for a loop. */
em_ptr em_walk(struct em_for *loop, em_ptr base, int64_t elements);

struct em_if {
    struct em *em;
    struct LLVMOpaqueBasicBlock *done;
    int state;
};
struct em_if em_if_begin(struct em *em, em_cond cond);
void em_if_end(struct em_if *branch);

#define EM_FOR(em, i, begin, end) \
    for (struct em_for i = em_for_begin(em, begin, end, 1, false); i.state; em_for_end(&i))
#define EM_STREAM(em, i, begin, end, step) \
    for (struct em_for i = em_for_begin(em, begin, end, step, true); i.state; em_for_end(&i))
#define EM_IF(em, cond) \
    for (struct em_if em_branch = em_if_begin(em, cond); em_branch.state; em_if_end(&em_branch))

/* ---- Memory ---- */

em_ptr em_offset(struct em *em, em_ptr base, em_int elements);
em_ptr em_at(struct em *em, em_ptr base, int64_t elements);
em_ptr em_byte_offset(struct em *em, em_ptr base, int64_t bytes);

/* Pointer number `index` of the array of pointers at `base`. */
em_ptr em_load_pointer(struct em *em, em_ptr base, int64_t index);

/* A vector from `lanes` consecutive elements; _n takes the first n of them and zeros (n known now, 1 to
 * lanes) and touches no other memory; _strided takes elements `stride` apart. _aligned promises the alignment
 * of a whole vector, which the packed weights have. */
em_vec em_load(struct em *em, em_ptr from);
em_vec em_load_aligned(struct em *em, em_ptr from);
em_vec em_load_n(struct em *em, em_ptr from, int n);
em_vec em_load_strided(struct em *em, em_ptr from, int64_t stride, int n);
void em_store(struct em *em, em_ptr to, em_vec value);
void em_store_n(struct em *em, em_ptr to, em_vec value, int n);

/* True in lane i where 0 <= start + i < count, for numbers below 2^30. Accesses under a mask touch no memory
 * for the other lanes; a load makes them 0. */
em_mask em_inside(struct em *em, em_int start, int64_t count);
em_mask em_first(struct em *em, int n);           /* true in the first n lanes */
em_mask em_every(struct em *em, int step, int n); /* of these, in every step-th from lane 0 on */
/* The same mask, for more uses than blends by a constant are worth. */
em_mask em_unknown(struct em *em, em_mask mask);
em_vec em_load_masked(struct em *em, em_ptr from, em_mask mask);
void em_store_masked(struct em *em, em_ptr to, em_vec value, em_mask mask);

/* One element in every lane. */
em_vec em_broadcast(struct em *em, em_ptr from);

/* Lane i is element (skip + i) % period, for a period of at most em_lanes. */
em_vec em_load_cycle(struct em *em, em_ptr from, int period, int skip);

/* Copy `count` elements from stride to stride, or set them to zero. Runs of stride 1 go by vectors, and those
 * of short strides on one side; em_spreads says whether elements side by side go to a stride so. */
struct em_run {
    em_ptr at;
    int64_t stride;
};
void em_copy_run(struct em *em, struct em_run to, struct em_run from, em_int count);
bool em_spreads(const struct em *em, int64_t stride);
void em_zero_run(struct em *em, struct em_run to, em_int count);

/* A row with zeros around it. Element `first + j` of the row of `size` elements at `from`, or 0 where there is
 * none, goes to part j % split of the copy, place j / split, for 0 <= j < count; parts lie `part` elements
 * apart. Goes by vectors and sets what a last one has room for behind each part, so that `part` is a multiple
 * of the lanes. At most EM_PARTS parts. */
enum { EM_PARTS = 4 };
struct em_padded {
    em_ptr from;
    int64_t first, size, count, split, part;
};
void em_copy_padded(struct em *em, em_ptr to, const struct em_padded *row);

/* Copy a block with its axes exchanged: element (r, c), at from.at + r * from.step + c, to to.at + c * to.step
 * + r. Touches nothing else. Goes by squares of vectors; what is left over goes by element unless its size is
 * known now. */
struct em_block {
    em_ptr at;
    int64_t step;
};
void em_exchange(struct em *em, struct em_block to, struct em_block from, em_int rows, em_int cols);

/* Room for so many elements on the stack, aligned for whole vectors. */
em_ptr em_room(struct em *em, int64_t elements);

/* Lane i is lane (i / each) * step + first of x; undefined where there is no such lane. */
em_vec em_spread(struct em *em, em_vec x, int each, int step, int first);

/* Lane i is lane i + n of a and, behind its last one, of b. 0 < n < lanes. */
em_vec em_slide(struct em *em, em_vec a, em_vec b, int n);

em_var em_var_new(struct em *em, em_vec initial);
em_vec em_get(struct em *em, em_var var);
void em_set(struct em *em, em_var var, em_vec value);

/* ---- Arithmetic on vectors ---- */

em_vec em_vconst(struct em *em, double value);
em_vec em_vadd(struct em *em, em_vec a, em_vec b);
em_vec em_vsub(struct em *em, em_vec a, em_vec b);
em_vec em_vmul(struct em *em, em_vec a, em_vec b);
em_vec em_vdiv(struct em *em, em_vec a, em_vec b);
em_vec em_vabs(struct em *em, em_vec a);
em_vec em_vcopysign(struct em *em, em_vec magnitude, em_vec sign);

/* a*b + c, rounded once where the instruction set fuses, else twice. */
em_vec em_fma(struct em *em, em_vec a, em_vec b, em_vec c);

/* a > b ? a : b and a < b ? a : b, so b where either is not a number. */
em_vec em_vmax(struct em *em, em_vec a, em_vec b);
em_vec em_vmin(struct em *em, em_vec a, em_vec b);

em_mask em_vlt(struct em *em, em_vec a, em_vec b); /* false where either is not a number */
em_vec em_vselect(struct em *em, em_mask mask, em_vec yes, em_vec no);

/* The nearest whole number, ties to even, for |x| below 2^22 (f32) or 2^51 (f64). */
em_vec em_vround(struct em *em, em_vec x);

/* 2^k for whole k from -126 to 127 (f32) or -1022 to 1023 (f64). */
em_vec em_vpow2(struct em *em, em_vec k);

/* Lane i is the sum of the lanes of vectors[i], for `count` of them, at most em_lanes; lanes behind have any
 * value. */
em_vec em_sum_lanes(struct em *em, const em_vec vectors[], int count);

/* Which of two constants fits the element type: a coefficient table for each. */
bool em_is_f64(const struct em *em);

/* ---- The frame (compile.c) ---- */

/* The emission of each row of algos.inc: code for the work units from em_first_unit to em_last_unit. */
#define ALGO(name) void emit_##name(struct em *em, const struct plan *plan);
#include "../src/algos.inc"
#undef ALGO

#endif
