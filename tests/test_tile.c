/* Register tiles: sums of products by any number of sets are the sums of C. Whole numbers, so that order is no
 * matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/tile.h"
#include "words/trials.h"

#include <stdlib.h>

enum { TURNS = 3, MOST_STEPS = 16, MOST_ELEMENTS = TURNS * MOST_STEPS * TILE_MAX * 16 };

struct shape {
    int rows, vecs, unroll;
    bool masked; /* the last lane is left out of all sums */
};

static const struct shape shapes[] = {
    {.rows = 1, .vecs = 1, .unroll = 1},
    {.rows = 1, .vecs = 1, .unroll = 2},
    {.rows = 1, .vecs = 1, .unroll = 8},
    {.rows = 1, .vecs = 1, .unroll = 16},
    {.rows = 2, .vecs = 1, .unroll = 4},
    {.rows = 1, .vecs = 2, .unroll = 8},
    {.rows = 3, .vecs = 1, .unroll = 16},
    {.rows = 3, .vecs = 2, .unroll = 3},
    {.rows = 7, .vecs = 1, .unroll = 8},
    {.rows = 2, .vecs = 4, .unroll = 2},
    {.rows = 8, .vecs = 1, .unroll = 4},
    {.rows = 5, .vecs = 3, .unroll = 2},
    {.rows = 14, .vecs = 2, .unroll = 4},
    {.rows = 28, .vecs = 1, .unroll = 1},
    {.rows = 6, .vecs = 4, .unroll = 1},
    {.rows = TILE_MAX, .vecs = 1, .unroll = 2},
    {1, 1, 8, .masked = true},
    {3, 2, 3, .masked = true},
};

/* Step k of turn t multiplies row r's vector of src with vector v of weights. */
static void emit_tile(struct em *em, const struct plan *plan, const void *arg)
{
    const struct shape *shape = arg;
    int64_t lanes = plan->lanes, rows = shape->rows, vecs = shape->vecs, steps = shape->unroll;
    struct tile tile = tile_open(em, shape->rows, shape->vecs, shape->unroll);
    assert_int_equal(tile.rows, shape->rows);
    assert_int_equal(tile.vecs, shape->vecs);
    assert_true(tile.sets >= 1 && tile.sets * tile.rows * tile.vecs <= TILE_MAX);
    EM_FOR(em, turn, em_first_unit(em), em_last_unit(em))
    {
        em_ptr a = em_offset(em, em_argument(em, EM_SRC), em_mulc(em, turn.at, steps * rows * lanes));
        em_ptr b = em_offset(em, em_argument(em, EM_WEIGHTS), em_mulc(em, turn.at, steps * vecs * lanes));
        for (int k = 0; k < shape->unroll; k++)
            for (int r = 0; r < shape->rows; r++)
                for (int v = 0; v < shape->vecs; v++) {
                    em_vec pixels = em_load(em, em_at(em, a, (k * rows + r) * lanes));
                    em_vec weights = em_load(em, em_at(em, b, (k * vecs + v) * lanes));
                    if (shape->masked)
                        tile_add_masked(em, &tile, (struct tile_at){k, r, v}, pixels, weights,
                                        em_first(em, (int)lanes - 1));
                    else
                        tile_add(em, &tile, k, r, v, pixels, weights);
                }
    }
    for (int r = 0; r < shape->rows; r++) {
        bool apart = tile.sets == 1; /* then each row is a part of its own */
        struct tile row = apart ? tile_part(&tile, r, 1) : tile;
        for (int v = 0; v < shape->vecs; v++)
            em_store(em, em_at(em, em_argument(em, EM_DST), (r * vecs + v) * lanes),
                     tile_sum(em, &row, apart ? 0 : r, v));
    }
}

struct memory {
    double src[MOST_ELEMENTS], weights[MOST_ELEMENTS], dst[TILE_MAX * 16];
};

static double plain_sum(const struct words *target, const struct memory *memory, const struct shape *shape,
                        const int at[3])
{
    double sum = 0;
    int row = at[0], vec = at[1], lane = at[2];
    if (shape->masked && lane == target->lanes - 1)
        return 0;
    for (int step = 0; step < TURNS * shape->unroll; step++)
        sum += element_get(target->dtype, memory->src, (step * shape->rows + row) * target->lanes + lane) *
               element_get(target->dtype, memory->weights, (step * shape->vecs + vec) * target->lanes + lane);
    return sum;
}

static bool shape_is_right(const struct words *target, const struct shape *shape, struct memory *memory)
{
    struct plan plan = words_plan(target);
    words_run(&plan, emit_tile, shape,
              &(struct words_call){
                  .dst = memory->dst, .src = memory->src, .weights = memory->weights, .last = TURNS});
    for (int i = 0; i < shape->rows * shape->vecs * target->lanes; i++) {
        int vector = i / target->lanes, at[] = {vector / shape->vecs, vector % shape->vecs, i % target->lanes};
        double got = element_get(target->dtype, memory->dst, i);
        double want = plain_sum(target, memory, shape, at);
        if (got != want)
            return words_wrong(target,
                               "a tile of %dx%d, %d steps: row %d, vector %d, lane %d is %g, should be %g",
                               shape->rows, shape->vecs, shape->unroll, at[0], at[1], at[2], got, want);
    }
    return true;
}

static bool tiles_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct memory *memory = malloc(sizeof *memory);
    assert_non_null(memory);
    for (int i = 0; i < MOST_ELEMENTS; i++) {
        element_put(target->dtype, memory->src, i, i * 7 % 31 - 15);
        element_put(target->dtype, memory->weights, i, i * 11 % 29 - 14);
    }
    bool right = true;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        right = shape_is_right(target, &shapes[i], memory) && right;
    free(memory);
    return right;
}

static void tiles_sum_products(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(tiles_are_right, NULL), 0);
}

/* The plan's own tile takes the plan's steps, smaller ones no fewer. */
static void small_tiles_take_no_fewer_steps(void **state)
{
    (void)state;
    for (int unroll = 1; unroll <= 8; unroll *= 2)
        for (int rows = 1; rows <= 14; rows++)
            for (int vecs = 1; vecs <= 4; vecs++) {
                struct plan plan = {.tile_rows = rows, .tile_vecs = vecs, .unroll = unroll};
                assert_int_equal(tile_unroll(&plan, rows, vecs), unroll);
                for (int r = rows; r > 1; r--)
                    assert_true(tile_unroll(&plan, r - 1, vecs) >= tile_unroll(&plan, r, vecs));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_sum_products),
        cmocka_unit_test(small_tiles_take_no_fewer_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
