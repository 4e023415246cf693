/* Convolutions that are the same computation become the same bytes, so that they share a plan and a kernel.
 *
 * Each step keeps the computation and the tensors as they are and may assume the ones before it. */
#include "canon.h"

#include "arith.h"

#include <stdbool.h>

static bool is_unit(const struct axis *axis)
{
    return axis->in == 1 && axis->out == 1 && axis->kernel == 1;
}

/* One output reads one input, in step. */
static bool is_pointwise(const struct axis *axis)
{
    return axis->kernel == 1 && axis->stride == 1 && axis->pad_lo == 0 && axis->pad_hi == 0 &&
           axis->in == axis->out;
}

/* Values that nothing depends on. */
static void clear_idle(struct conv *conv)
{
    bool padded = false;
    for (int a = 0; a < AXES; a++) {
        struct axis *axis = &conv->axis[a];
        if (axis->kernel == 1)
            axis->dilation = 1;
        if (conv->op != CJ_CONV_TRANSPOSE) {
            int64_t last = (axis->out - 1) * axis->stride + (axis->kernel - 1) * axis->dilation - axis->pad_lo;
            if (axis->out == 1)
                axis->stride = 1;
            axis->pad_hi = max64(last - (axis->in - 1), 0);
        } else {
            axis->pad_hi = 0; /* `out` says it */
        }
        padded |= axis->pad_lo > 0 || axis->pad_hi > 0;
    }
    if (!padded)
        conv->pad_mode = CJ_PAD_ZEROS;
    if (conv->op == CJ_SEPARABLE && conv->mid == 0)
        conv->mid = conv->ic;
}

static void move_axis(struct conv *conv, int to, int from)
{
    conv->axis[to] = conv->axis[from];
    conv->src.axis[to] = conv->src.axis[from];
    conv->dst.axis[to] = conv->dst.axis[from];
}

static void set_unit(struct conv *conv, int a)
{
    conv->axis[a] = (struct axis){1, 1, 1, 1, 1, 0, 0};
    conv->src.axis[a] = conv->dst.axis[a] = 0;
}

/* Axes that do nothing go in front, the others keep their order. */
static void move_units_in_front(struct conv *conv)
{
    int to = AXES - 1;
    for (int a = AXES - 1; a >= 0; a--) {
        struct axis *axis = &conv->axis[a];
        bool idle = is_unit(axis) && axis->pad_lo == 0;
        if (!idle)
            move_axis(conv, to--, a);
    }
    for (; to >= 0; to--)
        set_unit(conv, to);
}

static bool can_merge(const struct conv *conv, int outer, int inner)
{
    if (!is_pointwise(&conv->axis[outer]) || !is_pointwise(&conv->axis[inner]))
        return false;
    return conv->src.axis[outer] == conv->src.axis[inner] * conv->axis[inner].in &&
           conv->dst.axis[outer] == conv->dst.axis[inner] * conv->axis[inner].out;
}

/* Neighbouring axes that a 1x1 kernel walks as one. */
static void merge_axes(struct conv *conv)
{
    for (int a = AXES - 1; a > 0; a--) {
        if (is_unit(&conv->axis[a - 1]) || !can_merge(conv, a - 1, a))
            continue;
        conv->axis[a].in *= conv->axis[a - 1].in;
        conv->axis[a].out = conv->axis[a].in;
        for (int b = a - 1; b > 0; b--)
            move_axis(conv, b, b - 1);
        set_unit(conv, 0);
        a = AXES;
    }
}

/* Blocks of channels that follow each other at the distance of channels, and a single block, are none. */
static void clear_blocks(struct strides *strides, int64_t channels)
{
    if (channels <= strides->block || strides->block_step == strides->block * strides->c)
        strides->block = strides->block_step = 0;
}

/* An index that is always 0 has no stride. */
static void clear_strides(struct conv *conv)
{
    for (int a = 0; a < AXES; a++) {
        if (conv->axis[a].in == 1)
            conv->src.axis[a] = 0;
        if (conv->axis[a].out == 1)
            conv->dst.axis[a] = 0;
    }
    if (conv->ic == 1)
        conv->src.c = 1;
    if (conv->oc == 1)
        conv->dst.c = 1;
}

void conv_canonicalise(struct conv *conv)
{
    clear_idle(conv);
    move_units_in_front(conv);
    merge_axes(conv);
    clear_strides(conv);
    clear_blocks(&conv->src, conv->ic);
    clear_blocks(&conv->dst, conv->oc);
}
