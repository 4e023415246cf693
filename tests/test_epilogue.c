/* Tiles on their way out: bias, post-ops and the store against plain C, whichever way the output lies. Elements
 * beside the tile are neither read nor written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/epilogue.h"
#include "support/guard.h"
#include "words/trials.h"

#include <stdlib.h>
#include <string.h>

enum { OFFSET = 5, CHANNEL = 3, MOST_ROWS = 9, MOST_VECS = 3, MOST_LANES = 16 };

/* How a tile lies in the output. Negative steps of rows or lanes count tiles: -1 is "as many lanes as exist".
 */
struct geometry {
    const char *name;
    int64_t row_step, lane_step, row_channel, lane_channel;
    bool cyclic; /* one row, whose channels repeat */
};

enum { BEHIND_LANES = -1, BEHIND_ROWS = -2 };

static const struct geometry geometries[] = {
    {"lanes are channels, NHWC", BEHIND_LANES, 1, 0, 1, false},
    {"lanes are channels, NCHW", 1, BEHIND_ROWS, 0, 1, false},
    {"lanes are channels, every other pixel, NCHW", 2, BEHIND_ROWS, 0, 1, false},
    {"lanes are every other channel, NHWC", BEHIND_LANES, 2, 0, 2, false},
    {"lanes are columns, NCHW", BEHIND_LANES, 1, 1, 0, false},
    {"lanes are columns, NHWC", 1, BEHIND_ROWS, 1, 0, false},
    {"lanes are every third column, NCHW", BEHIND_LANES, 3, 1, 0, false},
    {"lanes are all channels of one pixel after the other, NHWC", BEHIND_LANES, 1, 0, 1, true},
};
enum { GEOMETRIES = sizeof geometries / sizeof geometries[0] };

struct chain {
    int has_bias, posts;
    struct post post[3];
};

static const struct chain chains[] = {
    {0, 0, {{0, 0, 0}}},
    {1, 0, {{0, 0, 0}}},
    {0, 1, {{CJ_POST_RESIDUAL, 0, 0}}},
    {0, 1, {{CJ_POST_SCALE_SHIFT, 0, 0}}},
    {1, 3, {{CJ_POST_SCALE_SHIFT, 0, 0}, {CJ_POST_RESIDUAL, 0, 0}, {CJ_POST_RELU, 0, 0}}},
    {1, 3, {{CJ_POST_CLAMP, -2, 3}, {CJ_POST_RESIDUAL, 0, 0}, {CJ_POST_SCALE_SHIFT, 0, 0}}},
    {0, 3, {{CJ_POST_LEAKY_RELU, 0.5, 0}, {CJ_POST_SCALE_SHIFT, 0, 0}, {CJ_POST_RELU6, 0, 0}}},
};
enum { CHAINS = sizeof chains / sizeof chains[0] };

struct trial {
    const struct geometry *geometry;
    const struct chain *chain;
    int rows, vecs, lanes_of_last, lanes; /* `lanes` exist in all */
    int cycle;                            /* channels that repeat; 0: none do */
    int64_t row_step, lane_step;
};

static void emit_trial(struct em *em, const struct plan *plan, const void *arg)
{
    const struct trial *t = arg;
    struct epilogue epilogue = epilogue_open(em, plan);
    struct tile tile = tile_open(em, t->rows, t->vecs, 1);
    for (int i = 0; i < t->rows * t->vecs; i++) {
        em_vec value = em_load(em, em_at(em, em_argument(em, EM_SRC), i * plan->lanes));
        tile_add(em, &tile, 0, i / t->vecs, i % t->vecs, value, em_vconst(em, 1));
    }
    struct output_tile out = {.offset = em_first_unit(em),
                              .row_step = t->row_step,
                              .lane_step = t->lane_step,
                              .channel = em_last_unit(em),
                              .row_channel = t->geometry->row_channel,
                              .lane_channel = t->geometry->lane_channel,
                              .lane_cycle = t->cycle,
                              .lanes_of_last = t->lanes_of_last};
    epilogue_tile(em, &epilogue, &tile, &out);
}

/* ---- The tensors ---- */

enum { DST, BIAS, RESIDUAL, SCALE, SHIFT, TENSORS };

struct tensors {
    double src[MOST_ROWS * MOST_VECS * MOST_LANES];
    int64_t pixels, channels;
    struct guarded at[TENSORS];
};

/* Channel of a tile's element, from the tile's first. */
static int64_t channel_of(const struct trial *t, int row, int lane)
{
    return row * t->geometry->row_channel + (t->cycle ? lane % t->cycle : lane) * t->geometry->lane_channel;
}

static double value_of(int tensor, int64_t index)
{
    return (double)((index * 5 + tensor * 3) % 17 - 8) / 2;
}

static struct tensors open_tensors(const struct words *target, const struct trial *t, enum guard_side side)
{
    struct tensors tensors = {
        .pixels = OFFSET + (t->rows - 1) * t->row_step + (t->lanes - 1) * t->lane_step + 1,
        .channels = CHANNEL + channel_of(t, t->rows - 1, (t->cycle ? t->cycle : t->lanes) - 1) + 1,
    };
    size_t element = (size_t)dtype_bytes(target->dtype);
    for (int k = DST; k < TENSORS; k++) {
        int64_t count = k == DST || k == RESIDUAL ? tensors.pixels : tensors.channels;
        tensors.at[k] = guard_new((size_t)count * element, element, side);
        for (int64_t i = 0; k != DST && i < count; i++)
            element_put(target->dtype, tensors.at[k].data, i, value_of(k, i));
        if (k != DST)
            guard_seal(&tensors.at[k]);
    }
    for (int i = 0; i < t->rows * t->vecs * target->lanes; i++)
        element_put(target->dtype, tensors.src, i, value_of(TENSORS, i));
    return tensors;
}

static double after_post(const struct post *post, double y, int64_t pixel, int64_t channel)
{
    switch (post->kind) {
    case CJ_POST_RESIDUAL:
        return y + value_of(RESIDUAL, pixel);
    case CJ_POST_SCALE_SHIFT:
        return y * value_of(SCALE, channel) + value_of(SHIFT, channel);
    case CJ_POST_RELU:
        return y > 0 ? y : 0;
    case CJ_POST_RELU6:
        return y > 6 ? 6 : y > 0 ? y : 0;
    case CJ_POST_LEAKY_RELU:
        return y < 0 ? post->alpha * y : y;
    default:
        return y < post->alpha ? post->alpha : y > post->beta ? post->beta : y;
    }
}

/* Fill `want`, blank where the tile has no element. */
static void plain_tile(const struct words *target, const struct trial *t, int64_t pixels, double *want)
{
    memset(want, 0xff, (size_t)pixels * sizeof *want);
    for (int r = 0; r < t->rows; r++)
        for (int l = 0; l < t->lanes; l++) {
            int64_t pixel = OFFSET + r * t->row_step + l * t->lane_step;
            int64_t channel = CHANNEL + channel_of(t, r, l);
            double y = value_of(TENSORS, r * t->vecs * target->lanes + l);
            y += t->chain->has_bias ? value_of(BIAS, channel) : 0;
            for (int i = 0; i < t->chain->posts; i++)
                y = after_post(&t->chain->post[i], y, pixel, channel);
            want[pixel] = y;
        }
}

static bool stored_right(const struct words *target, const struct trial *t, const struct tensors *tensors)
{
    double *want = malloc((size_t)tensors->pixels * sizeof *want);
    assert_non_null(want);
    plain_tile(target, t, tensors->pixels, want);
    bool right = guard_intact(&tensors->at[DST]);
    for (int64_t i = 0; i < tensors->pixels; i++) {
        double got = element_get(target->dtype, tensors->at[DST].data, i);
        right = right && (got == want[i] || (got != got && want[i] != want[i]));
    }
    free(want);
    return right ||
           words_wrong(target, "%s: a tile of %d x %d vectors, %d lanes in the last, chain %d",
                       t->geometry->name, t->rows, t->vecs, t->lanes_of_last, (int)(t->chain - chains));
}

static const void **operand_pointers(const struct trial *t, const struct tensors *tensors, const void *extra[4])
{
    int count = 0;
    for (int i = 0; i < t->chain->posts; i++) {
        if (t->chain->post[i].kind == CJ_POST_RESIDUAL)
            extra[count++] = tensors->at[RESIDUAL].data;
        if (t->chain->post[i].kind != CJ_POST_SCALE_SHIFT)
            continue;
        extra[count++] = tensors->at[SCALE].data;
        extra[count++] = tensors->at[SHIFT].data;
    }
    return extra;
}

static bool trial_is_right(const struct words *target, const struct trial *t)
{
    struct plan plan = words_plan(target);
    plan.conv.has_bias = t->chain->has_bias;
    plan.conv.posts = t->chain->posts;
    memcpy(plan.conv.post, t->chain->post, sizeof t->chain->post);
    struct words_kernel words = words_open_plan(&plan, emit_trial, t);
    bool right = true;
    for (int side = 0; side < GUARD_SIDES && right; side++) {
        struct tensors tensors = open_tensors(target, t, (enum guard_side)side);
        const void *extra[4];
        words.run(tensors.at[DST].data, tensors.src, NULL, tensors.at[BIAS].data,
                  operand_pointers(t, &tensors, extra), NULL, OFFSET, CHANNEL);
        right = stored_right(target, t, &tensors);
        for (int k = 0; k < TENSORS; k++)
            guard_free(&tensors.at[k]);
    }
    words_close(&words);
    return right;
}

static int64_t step_of(int64_t step, const struct trial *t, int64_t other)
{
    int64_t count = step == BEHIND_LANES ? t->lanes : t->rows;
    return step > 0 ? step : count * other + 2;
}

/* Each geometry with each chain; sizes take turns. */
static bool tiles_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    static const int rows[] = {1, 4, 2, MOST_ROWS, 5}, vecs[] = {1, MOST_VECS, 2};
    bool right = true;
    for (int turn = 0; turn < GEOMETRIES * CHAINS; turn++) {
        struct trial t = {.geometry = &geometries[turn % GEOMETRIES],
                          .chain = &chains[turn / GEOMETRIES % CHAINS]};
        t.rows = t.geometry->cyclic ? 1 : rows[turn / 2 % 5];
        t.cycle = t.geometry->cyclic ? 1 + turn / GEOMETRIES % target->lanes : 0;
        t.vecs = vecs[turn % 3];
        t.lanes_of_last = turn % 4 == 0 ? target->lanes : 1 + turn % target->lanes;
        t.lanes = (t.vecs - 1) * target->lanes + t.lanes_of_last;
        t.lane_step = step_of(t.geometry->lane_step, &t, t.geometry->row_step);
        t.row_step = step_of(t.geometry->row_step, &t, t.lane_step);
        right = trial_is_right(target, &t) && right;
    }
    return right;
}

static void tiles_go_out_finished(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(tiles_are_right, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_go_out_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
