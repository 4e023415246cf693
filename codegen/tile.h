/* Accumulators of a register tile: rows x vecs vectors, in as many sets as hide the latency of the sum. */
#ifndef CONVJIT_TILE_H
#define CONVJIT_TILE_H

#include "em.h"

enum { TILE_MAX = 64 };

struct tile {
    int rows, vecs, sets;
    em_var sum[TILE_MAX];
};

/* Steps in one turn of the reduction's loop for a tile that may be smaller than the plan's: plan->unroll turns
 * of the plan's own tile as multiply-adds, so that small tiles get more steps. */
int tile_unroll(const struct plan *plan, int rows, int vecs);

/* All zero. `unroll` steps of the reduction are at hand to be dealt out to sets. */
struct tile tile_open(struct em *em, int rows, int vecs, int unroll);

/* `rows` of a tile from row `first`: the same accumulators. Of a tile with one set. */
struct tile tile_part(const struct tile *tile, int first, int rows);

/* sum(row, vec) += a * b, in step number `step`. */
void tile_add(struct em *em, const struct tile *tile, int step, int row, int vec, em_vec a, em_vec b);

/* The same in the lanes under the mask alone, which costs nothing where the instruction set masks. */
struct tile_at {
    int step, row, vec;
};
void tile_add_masked(struct em *em, const struct tile *tile, struct tile_at at, em_vec a, em_vec b,
                     em_mask inside);

/* The same with so many sets, where the size of the tile must not decide the order of the sum. */
struct tile tile_open_sets(struct em *em, int rows, int vecs, int sets);

/* A tile that holds these sums, row by row. */
struct tile tile_of(struct em *em, int rows, int vecs, const em_vec sums[]);

/* The sum of all sets. */
em_vec tile_sum(struct em *em, const struct tile *tile, int row, int vec);

#endif
