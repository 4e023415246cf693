#include "tile.h"

#include "../src/arith.h"

#include <assert.h>
#include <string.h>

/* A fused multiply-add takes 4 cycles and two start in each (Zen 2 to 5, Skylake to Sapphire Rapids), so
 * fewer than 8 independent sums leave the units idle. Sets are dealt steps in turn and added up in a fixed
 * order at the end, so the result depends on the plan alone. */
enum { INDEPENDENT_SUMS = 8 };

static int sets_for(int rows, int vecs, int unroll)
{
    int sets = 1;
    while (sets * 2 <= unroll && rows * vecs * sets < INDEPENDENT_SUMS)
        sets *= 2;
    return sets;
}

int tile_unroll(const struct plan *plan, int rows, int vecs)
{
    int64_t products = plan->unroll * plan->tile_rows * plan->tile_vecs;
    return (int)clamp64(products / (rows * vecs), plan->unroll, max64(plan->unroll, INDEPENDENT_SUMS));
}

struct tile tile_open(struct em *em, int rows, int vecs, int unroll)
{
    return tile_open_sets(em, rows, vecs, sets_for(rows, vecs, unroll));
}

struct tile tile_open_sets(struct em *em, int rows, int vecs, int sets)
{
    struct tile tile = {.rows = rows, .vecs = vecs, .sets = sets};
    for (int i = 0; i < rows * vecs * tile.sets; i++)
        tile.sum[i] = em_var_new(em, em_vconst(em, 0));
    return tile;
}

struct tile tile_of(struct em *em, int rows, int vecs, const em_vec sums[])
{
    struct tile tile = {.rows = rows, .vecs = vecs, .sets = 1};
    for (int i = 0; i < rows * vecs; i++)
        tile.sum[i] = em_var_new(em, sums[i]);
    return tile;
}

static em_var sum_at(const struct tile *tile, int set, int row, int vec)
{
    return tile->sum[(set * tile->rows + row) * tile->vecs + vec];
}

struct tile tile_part(const struct tile *tile, int first, int rows)
{
    struct tile part = {.rows = rows, .vecs = tile->vecs, .sets = tile->sets};
    if (rows == tile->rows)
        return *tile;
    assert(tile->sets == 1);
    memcpy(part.sum, tile->sum + first * tile->vecs, (size_t)(rows * tile->vecs) * sizeof *part.sum);
    return part;
}

void tile_add(struct em *em, const struct tile *tile, int step, int row, int vec, em_vec a, em_vec b)
{
    em_var sum = sum_at(tile, step % tile->sets, row, vec);
    em_set(em, sum, em_fma(em, a, b, em_get(em, sum)));
}

void tile_add_masked(struct em *em, const struct tile *tile, struct tile_at at, em_vec a, em_vec b,
                     em_mask inside)
{
    em_var sum = sum_at(tile, at.step % tile->sets, at.row, at.vec);
    em_vec before = em_get(em, sum);
    em_set(em, sum, em_vselect(em, inside, em_fma(em, a, b, before), before));
}

em_vec tile_sum(struct em *em, const struct tile *tile, int row, int vec)
{
    em_vec sum = em_get(em, sum_at(tile, 0, row, vec));
    for (int set = 1; set < tile->sets; set++)
        sum = em_vadd(em, sum, em_get(em, sum_at(tile, set, row, vec)));
    return sum;
}
