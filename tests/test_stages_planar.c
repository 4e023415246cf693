/* The two passes of separable_planar: together they are the whole, cut alike, and meet in a block that fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/arith.h"
#include "../src/grid.h"
#include "../src/stages_planar.h"
#include "support/sample.h"

#include <string.h>

static bool is_other(const struct sample *sample)
{
    return sample->plan->algo != ALGO_separable_planar;
}

/* The first stage's operations and the second's are the whole's; bias and post-ops are the second's. */
static bool stages_are_the_whole(const struct sample *sample)
{
    if (is_other(sample))
        return true;
    const struct conv *whole = &sample->plan->conv;
    struct plan one = planar_stage_depthwise(sample->plan), two = planar_stage_pointwise(sample->plan);
    double sum = conv_flops(&one.conv) + conv_flops(&two.conv);
    if (sum != conv_flops(whole))
        return sample_wrong(sample, "the stages are %g operations", sum);
    if (one.conv.ic != whole->ic || one.conv.groups != whole->ic || one.conv.oc != whole->mid)
        return sample_wrong(sample, "the depthwise stage has other channels");
    if (two.conv.ic != whole->mid || two.conv.groups != 1 || two.conv.oc != whole->oc)
        return sample_wrong(sample, "the pointwise stage has other channels");
    if (one.conv.has_bias || one.conv.posts || two.conv.has_bias != whole->has_bias ||
        two.conv.posts != whole->posts || memcmp(two.conv.post, whole->post, sizeof whole->post) != 0)
        return sample_wrong(sample, "bias and post-ops are not the pointwise stage's alone");
    if (memcmp(&one.conv.src, &whole->src, sizeof whole->src) != 0 ||
        memcmp(one.conv.axis, whole->axis, sizeof whole->axis) != 0)
        return sample_wrong(sample, "the depthwise stage reads something else");
    return true;
}

/* Row `r` of the second stage is the r-th `block_rows` rows of the whole, in the same order in memory. */
static bool rows_are_joined(const struct sample *sample)
{
    if (is_other(sample))
        return true;
    const struct plan *plan = sample->plan;
    const struct axis *h = &plan->conv.axis[AXIS_H], *w = &plan->conv.axis[AXIS_W];
    struct plan two = planar_stage_pointwise(plan);
    int64_t rows = plan->block_rows;
    if (h->out % rows || two.conv.axis[AXIS_H].out != h->out / rows ||
        two.conv.axis[AXIS_W].out != rows * w->out)
        return sample_wrong(sample, "rows of %lld do not make up the plane",
                            (long long)two.conv.axis[AXIS_W].out);
    if (two.conv.dst.axis[AXIS_W] * w->out * rows != two.conv.dst.axis[AXIS_H] ||
        two.conv.dst.c != plan->conv.dst.c || two.conv.dst.n != plan->conv.dst.n)
        return sample_wrong(sample, "a joined row does not lie in one stretch");
    return true;
}

/* A unit of the first stage for each group, and a row of the second, for each block of the whole. */
static bool stages_cut_alike(const struct sample *sample)
{
    if (is_other(sample))
        return true;
    struct plan one = planar_stage_depthwise(sample->plan), two = planar_stage_pointwise(sample->plan);
    struct grid whole = grid_of_plan(sample->plan), first = grid_of_plan(&one), second = grid_of_plan(&two);
    int64_t blocks = whole.depth * whole.row_units;
    if (whole.tile_units != 1 || whole.groups != 1 || sample->plan->units != blocks * whole.channel_units)
        return sample_wrong(sample, "%lld blocks have %lld units", (long long)blocks,
                            (long long)sample->plan->units);
    if (grid_units(&first) != blocks * one.conv.groups || grid_units(&second) != blocks)
        return sample_wrong(sample, "the stages are cut apart");
    if (one.block_rows % one.tile_rows || (first.row_units > 1 && one.block_rows != sample->plan->block_rows))
        return sample_wrong(sample, "a unit does not begin with a tile");
    return true;
}

/* Bytes that the elements of the block reach over, each with a place of its own, behind the band. */
static bool block_fits(const struct sample *sample)
{
    if (is_other(sample))
        return true;
    const struct plan *plan = sample->plan;
    struct plan one = planar_stage_depthwise(plan), two = planar_stage_pointwise(plan);
    const struct strides *s = &one.conv.dst;
    int64_t bytes = dtype_bytes((cj_dtype)plan->conv.dtype), cols = plan->conv.axis[AXIS_W].out;
    int64_t end = (plan->block_rows - 1) * s->axis[AXIS_H] + cols - 1 + (plan->conv.mid - 1) * s->c;
    int64_t offset = planar_block_offset(plan), room = planar_block_bytes(plan);
    int64_t band = one.band ? grid_band(&one).elements * bytes : 0;
    if (two.conv.src.c != s->c || two.conv.src.axis[AXIS_W] != 1 || s->axis[AXIS_W] != 1)
        return sample_wrong(sample, "the stages address the block in two ways");
    if (s->axis[AXIS_H] != cols || s->c < plan->block_rows * cols || s->n || s->axis[AXIS_D])
        return sample_wrong(sample, "elements of the block overlap, or stand elsewhere for each image");
    if ((end + 1) * bytes > room || band > offset)
        return sample_wrong(sample, "the block has %lld bytes behind %lld", (long long)room, (long long)offset);
    return (offset % 64 == 0 && room % 64 == 0 && offset + room <= plan->scratch_bytes) ||
           sample_wrong(sample, "the block lies at %lld, %lld bytes", (long long)offset, (long long)room);
}

static void the_stages_are_the_whole(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(41, 600, 40, stages_are_the_whole), 0);
    assert_int_equal(sample_plans(42, 600, 40, rows_are_joined), 0);
}

static void the_stages_meet_in_the_block(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(43, 600, 40, stages_cut_alike), 0);
    assert_int_equal(sample_plans(44, 600, 40, block_fits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stages_are_the_whole),
        cmocka_unit_test(the_stages_meet_in_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
