/* A separable convolution's two passes: together they are the whole, and meet in a block that fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/grid.h"
#include "../src/stages.h"
#include "support/sample.h"

#include <string.h>

static bool is_separable(const struct sample *sample)
{
    return sample->plan->algo == ALGO_separable;
}

/* The first stage's operations and the second's are the whole's. */
static bool work_adds_up(const struct sample *sample)
{
    if (!is_separable(sample))
        return true;
    struct plan depthwise = stage_depthwise(sample->plan), pointwise = stage_pointwise(sample->plan);
    double sum = conv_flops(&depthwise.conv) + conv_flops(&pointwise.conv);
    return sum == conv_flops(&sample->plan->conv) || sample_wrong(sample, "the stages are %g operations", sum);
}

/* What belongs to the end of the whole is in the second stage only. */
static bool stages_share_the_whole(const struct sample *sample)
{
    if (!is_separable(sample))
        return true;
    const struct conv *whole = &sample->plan->conv;
    struct plan one = stage_depthwise(sample->plan), two = stage_pointwise(sample->plan);
    if (one.conv.ic != whole->ic || one.conv.groups != whole->ic || one.conv.oc != whole->mid)
        return sample_wrong(sample, "the depthwise stage has other channels");
    if (two.conv.ic != whole->mid || two.conv.groups != 1 || two.conv.oc != whole->oc)
        return sample_wrong(sample, "the pointwise stage has other channels");
    if (one.conv.has_bias || one.conv.posts || two.conv.has_bias != whole->has_bias ||
        two.conv.posts != whole->posts || memcmp(two.conv.post, whole->post, sizeof whole->post) != 0)
        return sample_wrong(sample, "bias and post-ops are not the pointwise stage's alone");
    if (memcmp(&one.conv.src, &whole->src, sizeof whole->src) != 0 ||
        memcmp(&two.conv.dst, &whole->dst, sizeof whole->dst) != 0)
        return sample_wrong(sample, "the tensors are not those of the whole");
    if (one.conv.pad_mode != whole->pad_mode || memcmp(one.conv.axis, whole->axis, sizeof whole->axis) != 0)
        return sample_wrong(sample, "the depthwise stage has other axes");
    return true;
}

/* Both are ordinary convolutions over the same pixels, cut into the same units; into the same tiles unless
 * units are whole rows. */
static bool stages_cut_alike(const struct sample *sample)
{
    if (!is_separable(sample))
        return true;
    struct plan one = stage_depthwise(sample->plan), two = stage_pointwise(sample->plan);
    struct grid whole = grid_of_plan(sample->plan), first = grid_of_plan(&one), second = grid_of_plan(&two);
    if (one.conv.op != CJ_CONV || two.conv.op != CJ_CONV || one.conv.mid || two.conv.mid)
        return sample_wrong(sample, "a stage is no ordinary convolution");
    for (int a = 0; a < AXES; a++)
        if (one.conv.axis[a].out != two.conv.axis[a].in || two.conv.axis[a].in != two.conv.axis[a].out)
            return sample_wrong(sample, "axis %d differs between the stages", a);
    const int64_t units[3][3] = {{whole.depth, whole.row_units, whole.tile_units},
                                 {first.depth, first.row_units, first.tile_units},
                                 {second.depth, second.row_units, second.tile_units}};
    if (memcmp(units[0], units[1], sizeof *units) != 0 || memcmp(units[0], units[2], sizeof *units) != 0)
        return sample_wrong(sample, "the stages are cut apart");
    if (whole.unit_tiles != second.unit_tiles || (whole.tile_units > 1 && whole.unit_tiles != first.unit_tiles))
        return sample_wrong(sample, "the stages have other tiles");
    if (first.channel_units != 1)
        return sample_wrong(sample, "a unit does not have all channels of the block");
    return true;
}

/* Bytes that the elements of the block reach over, each with a place of its own. */
static bool block_fits(const struct sample *sample)
{
    if (!is_separable(sample))
        return true;
    const struct plan *plan = sample->plan;
    struct plan one = stage_depthwise(plan), two = stage_pointwise(plan);
    const struct strides *s = &one.conv.dst;
    int64_t bytes = dtype_bytes((cj_dtype)plan->conv.dtype),
            cols = grid_of_plan(plan).unit_tiles * plan->tile_rows;
    int64_t end =
        (plan->block_rows - 1) * s->axis[AXIS_H] + (cols - 1) * s->axis[AXIS_W] + (plan->conv.mid - 1) * s->c;
    int64_t offset = stage_block_offset(plan), room = stage_block_bytes(plan);
    if (memcmp(s, &two.conv.src, sizeof *s) != 0)
        return sample_wrong(sample, "the stages address the block in two ways");
    if (s->c < 1 || s->axis[AXIS_W] < s->c * plan->conv.mid || s->axis[AXIS_H] < s->axis[AXIS_W] * cols)
        return sample_wrong(sample, "elements of the block overlap");
    if ((end + 1) * bytes > room)
        return sample_wrong(sample, "the block has %lld bytes, not %lld", (long long)room,
                            (long long)(end + 1) * bytes);
    if (offset % 64 || room % 64 || offset + room > plan->scratch_bytes)
        return sample_wrong(sample, "the block lies at %lld, %lld bytes", (long long)offset, (long long)room);
    return true;
}

/* The depthwise stage's band lies in front of the block. */
static bool band_lies_in_front(const struct sample *sample)
{
    if (!is_separable(sample))
        return true;
    struct plan one = stage_depthwise(sample->plan);
    int64_t band = one.band ? grid_band(&one).elements * dtype_bytes((cj_dtype)one.conv.dtype) : 0;
    return band <= stage_block_offset(sample->plan) ||
           sample_wrong(sample, "the band has %lld bytes", (long long)band);
}

static void the_stages_are_the_whole(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(41, 600, 40, work_adds_up), 0);
    assert_int_equal(sample_plans(42, 600, 40, stages_share_the_whole), 0);
}

static void the_stages_meet_in_the_block(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(43, 600, 40, stages_cut_alike), 0);
    assert_int_equal(sample_plans(44, 600, 40, block_fits), 0);
    assert_int_equal(sample_plans(45, 600, 40, band_lies_in_front), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stages_are_the_whole),
        cmocka_unit_test(the_stages_meet_in_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
