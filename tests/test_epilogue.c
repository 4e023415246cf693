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

enum { OFFSET = 5, CHANNEL = 3, BLOCK_STEP = 700, MOST_ROWS = 9, MOST_VECS = 3, MOST_LANES = 16 };

/* How a tile lies in the output. Negative steps of rows or lanes count tiles: -1 is "as many lanes as exist".
 */
struct geometry {
    const char *name;
    int64_t row_step, lane_step, row_channel, lane_channel;
    bool cyclic;             /* one row, whose channels repeat */
    int64_t block, multiple; /* channels in a block, or 0; what is known to divide the first */
};

enum { BEHIND_LANES = -1, BEHIND_ROWS = -2 };

static const struct geometry geometries[] = {
    {"lanes are channels, NHWC", BEHIND_LANES, 1, 0, 1, false, 0, 0},
    {"lanes are channels, NCHW", 1, BEHIND_ROWS, 0, 1, false, 0, 0},
    {"lanes are channels, every other pixel, NCHW", 2, BEHIND_ROWS, 0, 1, false, 0, 0},
    {"lanes are every other channel, NHWC", BEHIND_LANES, 2, 0, 2, false, 0, 0},
    {"lanes are columns, NCHW", BEHIND_LANES, 1, 1, 0, false, 0, 0},
    {"lanes are columns, NHWC", 1, BEHIND_ROWS, 1, 0, false, 0, 0},
    {"lanes are every third column, NCHW", BEHIND_LANES, 3, 1, 0, false, 0, 0},
    {"lanes are all channels of one pixel after the other, NHWC", BEHIND_LANES, 1, 0, 1, true, 0, 0},
    {"lanes are channels from the first of a block of 16 on", 16, 1, 0, 1, false, 16, 16},
    {"lanes are channels from anywhere in a block of 64 on", 64, 1, 0, 1, false, 64, 4},
    {"lanes are channels from anywhere in a block of 4 on", 4, 1, 0, 1, false, 4, 1},
    {"lanes are every third channel in blocks of 8", 8, 1, 0, 3, false, 8, 1},
    {"rows are channels of a block of 8", 1, 8, 1, 0, false, 8, 8},
    {"rows are channels from anywhere in a block of 2 on", 1, 2, 1, 0, false, 2, 1},
    {"rows and columns of one channel in blocks of 8", 400, 8, 0, 0, false, 8, 1},
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
    int64_t channel; /* the first one */
    bool is_last;    /* the tile has the output's last channel */
};

static int64_t multiple_of(const struct trial *t)
{
    return t->geometry->multiple ? t->geometry->multiple : 1;
}

static void emit_trial(struct em *em, const struct plan *plan, const void *arg)
{
    const struct trial *t = arg;
    struct epilogue epilogue = epilogue_open(em, plan);
    struct tile tile = tile_open(em, t->rows, t->vecs, 1);
    for (int i = 0; i < t->rows * t->vecs; i++) {
        em_vec value = em_load(em, em_at(em, em_argument(em, EM_SRC), i * plan->lanes));
        tile_add(em, &tile, 0, i / t->vecs, i % t->vecs, value, em_vconst(em, 1));
    }
    struct output_tile out = {.pixel = em_first_unit(em),
                              .row_step = t->row_step,
                              .lane_step = t->lane_step,
                              .channel = em_last_unit(em),
                              .multiple = multiple_of(t),
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

/* The output has one channel more than the tile, or it ends with it. */
static int64_t count_channels(const struct trial *t)
{
    int64_t last = channel_of(t, t->rows - 1, (t->cycle ? t->cycle : t->lanes) - 1);
    return t->channel + last + 1 + !t->is_last;
}

/* Elements from the start of the output to channel `channel` of a pixel. */
static int64_t place_in_block(const struct trial *t, int64_t channel)
{
    int64_t block = t->geometry->block;
    return block ? channel / block * BLOCK_STEP + channel % block : 0;
}

/* Where an element of the tile goes. In blocks, steps lead from pixel to pixel alone. */
static int64_t place_of(const struct trial *t, int row, int lane)
{
    const struct geometry *g = t->geometry;
    int64_t rows = g->block && g->row_channel ? 0 : row * t->row_step;
    int64_t lanes = g->block && g->lane_channel ? 0 : lane * t->lane_step;
    return OFFSET + rows + lanes + place_in_block(t, t->channel + channel_of(t, row, lane));
}

/* Zeros behind the last channel. */
static int64_t count_zeros(const struct trial *t)
{
    int64_t block = t->geometry->block;
    return block ? (block - count_channels(t) % block) % block : 0;
}

static int64_t count_places(const struct trial *t)
{
    int64_t last = 0;
    for (int i = 0; i < t->rows * t->lanes; i++)
        last = place_of(t, i / t->lanes, i % t->lanes) > last ? place_of(t, i / t->lanes, i % t->lanes) : last;
    return last + 1 + (t->is_last ? count_zeros(t) : 0);
}

static double value_of(int tensor, int64_t index)
{
    return (double)((index * 5 + tensor * 3) % 17 - 8) / 2;
}

static struct tensors open_tensors(const struct words *target, const struct trial *t, enum guard_side side)
{
    struct tensors tensors = {
        .pixels = count_places(t),
        .channels = count_channels(t) - !t->is_last,
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
            int64_t pixel = place_of(t, r, l), channel = t->channel + channel_of(t, r, l);
            double y = value_of(TENSORS, r * t->vecs * target->lanes + l);
            y += t->chain->has_bias ? value_of(BIAS, channel) : 0;
            for (int i = 0; i < t->chain->posts; i++)
                y = after_post(&t->chain->post[i], y, pixel, channel);
            want[pixel] = y;
            for (int64_t i = 1; channel == count_channels(t) - 1 && i <= count_zeros(t); i++)
                want[pixel + i] = 0;
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
    plan.conv.oc = count_channels(t);
    plan.conv.zeros = count_zeros(t);
    if (t->geometry->block)
        plan.conv.dst = (struct strides){.c = 1, .block = t->geometry->block, .block_step = BLOCK_STEP};
    memcpy(plan.conv.post, t->chain->post, sizeof t->chain->post);
    struct words_kernel words = words_open_plan(&plan, emit_trial, t);
    bool right = true;
    for (int side = 0; side < GUARD_SIDES && right; side++) {
        struct tensors tensors = open_tensors(target, t, (enum guard_side)side);
        const void *extra[4];
        words.run(tensors.at[DST].data, tensors.src, NULL, tensors.at[BIAS].data,
                  operand_pointers(t, &tensors, extra), NULL, OFFSET, t->channel);
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
        t.channel = t.geometry->multiple > 1 ? 2 * t.geometry->multiple : CHANNEL;
        /* From a multiple of the lanes on, only the last channels fill a vector in part. */
        t.is_last = turn % 2 || (multiple_of(&t) % target->lanes == 0 && t.lanes_of_last < target->lanes);
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
