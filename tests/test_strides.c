/* Where elements lie, by walking through memory in the order that the header states, and the sizes of blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/strides.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The index of each dimension, outermost first; channels in blocks are block and place in it. */
enum { N, BLOCK, C, X, Y, Z, DIMENSIONS };

struct walk {
    int order[DIMENSIONS]; /* outermost first */
    int64_t size[DIMENSIONS];
};

static struct walk walk_of(const struct tensor *t)
{
    static const int orders[][DIMENSIONS] = {[CJ_NCHW] = {N, BLOCK, C, X, Y, Z},
                                             [CJ_NHWC] = {N, BLOCK, X, Y, Z, C},
                                             [CJ_NCHWC] = {N, BLOCK, X, Y, Z, C}};
    int64_t block = t->block ? t->block : t->channels;
    struct walk walk = {
        .size = {2, (t->channels + block - 1) / block, block, t->size[0], t->size[1], t->size[2]}};
    memcpy(walk.order, orders[t->layout], sizeof walk.order);
    return walk;
}

/* Take the place of memory apart into indices. */
static void indices_at(const struct walk *walk, int64_t place, int64_t at[DIMENSIONS])
{
    for (int i = DIMENSIONS - 1; i >= 0; i--) {
        int dimension = walk->order[i];
        at[dimension] = place % walk->size[dimension];
        place /= walk->size[dimension];
    }
}

/* Every element of two images is where the walk comes to it; what pads the last block is nobody's. */
static void expect_dense(const struct tensor *t, int rank)
{
    struct walk walk = walk_of(t);
    struct strides s;
    int64_t count = 1, at[DIMENSIONS];
    assert_int_equal(strides_of_tensor(t, rank, &s), CJ_OK);
    assert_int_equal(s.block, t->block);
    for (int i = 0; i < DIMENSIONS; i++)
        count *= walk.size[i];
    for (int64_t place = 0; place < count; place++) {
        indices_at(&walk, place, at);
        int64_t channel = at[BLOCK] * walk.size[C] + at[C], offset = at[N] * s.n;
        if (channel >= t->channels)
            continue;
        for (int i = 0; i < rank; i++)
            offset += at[X + i] * s.axis[AXES - rank + i];
        if (offset + strides_channel(&s, channel) != place)
            fail_msg("layout %d, block %d: channel %d is not at %d", (int)t->layout, (int)t->block,
                     (int)channel, (int)place);
    }
}

static void dense_layouts_follow_memory(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{5, 1, 1}, {4, 3, 1}, {2, 3, 4}};
    for (int rank = 1; rank <= 3; rank++)
        for (int64_t channels = 1; channels <= 37; channels += 3) {
            struct tensor t = {.channels = channels};
            memcpy(t.size, sizes[rank - 1], sizeof t.size);
            expect_dense(&t, rank);
            t.layout = CJ_NHWC;
            expect_dense(&t, rank);
            t.layout = CJ_NCHWC;
            for (t.block = 2; t.block <= 64; t.block *= 2)
                expect_dense(&t, rank);
        }
}

static void channels_side_by_side_are_found(void **state)
{
    (void)state;
    enum { CHANNELS = 200 };
    static const struct strides tensors[] = {
        {.c = 1}, {.c = 7}, {.c = 1, .block = 4, .block_step = 36}, {.c = 1, .block = 16, .block_step = 160}};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        for (int64_t multiple = 1; multiple <= 64; multiple *= 2)
            for (int64_t count = 2; count <= 64; count *= 2) {
                bool all = true;
                for (int64_t first = 0; first + count <= CHANNELS; first += multiple)
                    for (int64_t c = first; c + 1 < first + count; c++)
                        all = all && strides_channel(&tensors[i], c + 1) == strides_channel(&tensors[i], c) + 1;
                assert_int_equal(strides_side_by_side(&tensors[i], multiple, count), all);
            }
}

static void blocks_are_small_powers_of_two(void **state)
{
    (void)state;
    for (int64_t block = -3; block <= 200; block++) {
        bool good =
            block == 0 || block == 2 || block == 4 || block == 8 || block == 16 || block == 32 || block == 64;
        char text[60];
        assert_int_equal(strides_check_block("input_block", CJ_NCHWC, block), good ? CJ_OK : CJ_INVALID);
        snprintf(text, sizeof text, "input_block is %lld; it must be a power of two", (long long)block);
        assert_true(good || strstr(cj_last_error(), text));
    }
    assert_int_equal(strides_check_block("input_block", CJ_NCHWC, INT64_MIN), CJ_INVALID);
}

static void other_layouts_have_no_blocks(void **state)
{
    (void)state;
    for (int layout = CJ_NCHW; layout <= CJ_STRIDED; layout++) {
        assert_int_equal(strides_check_block("output_block", (cj_layout)layout, 0), CJ_OK);
        assert_int_equal(strides_check_block("output_block", (cj_layout)layout, 8), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "output_block is 8; it is for CJ_NCHWC only"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_layouts_follow_memory),
        cmocka_unit_test(channels_side_by_side_are_found),
        cmocka_unit_test(blocks_are_small_powers_of_two),
        cmocka_unit_test(other_layouts_have_no_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
