#include "random.h"

#include <string.h>

unsigned random_next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

int64_t random_pick(unsigned *state, const int64_t *values, int count)
{
    return values[random_next(state) % (unsigned)count];
}

/* Any size, or one beside those of vectors. */
static int64_t pick_channel_count(unsigned *s, int64_t most)
{
    int64_t odd = RANDOM_PICK(s, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 24, 31, 33, 48, 64);
    return odd <= most && random_next(s) % 3 ? odd : 1 + random_next(s) % (unsigned)most;
}

static int64_t most_of_dimension(const cj_conv_desc *d, int i, const struct random_sizes *sizes)
{
    int64_t in_volumes = sizes->row / 2 + 1;
    if (d->rank == 3)
        return in_volumes < sizes->column ? in_volumes : sizes->column;
    return i == d->rank - 1 ? sizes->row : sizes->column;
}

static void pick_dimension(cj_conv_desc *d, int i, const struct random_sizes *sizes, unsigned *s)
{
    bool long_row = i == d->rank - 1 && d->rank < 3;
    d->input[i] = random_next(s) % 8 ? 1 + random_next(s) % (unsigned)most_of_dimension(d, i, sizes) : 1;
    d->kernel[i] = RANDOM_PICK(s, 1, 1, 2, 3, 3, 3, 4, 5, 7, long_row ? 11 : 3);
    d->stride[i] = RANDOM_PICK(s, 0, 1, 1, 2, 2, 3, 4, 5);
    d->dilation[i] = RANDOM_PICK(s, 0, 1, 1, 2, 3, 6);
    d->pad_lo[i] = RANDOM_PICK(s, 0, 0, 1, 1, 2, 3, 9);
    d->pad_hi[i] = random_next(s) % 3 ? d->pad_lo[i] : RANDOM_PICK(s, 0, 1, 2, 5);
    if (d->op == CJ_CONV_TRANSPOSE && random_next(s) % 3 == 0)
        d->output_padding[i] = random_next(s) % 3;
}

static void pick_posts(cj_conv_desc *d, unsigned *s)
{
    static const int activations[] = {CJ_POST_RELU,    CJ_POST_RELU6,     CJ_POST_LEAKY_RELU,
                                      CJ_POST_SIGMOID, CJ_POST_TANH,      CJ_POST_SILU,
                                      CJ_POST_GELU,    CJ_POST_HARDSWISH, CJ_POST_CLAMP};
    int n = 0;
    d->bias = random_next(s) % 2;
    if (random_next(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_SCALE_SHIFT;
    if (random_next(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_RESIDUAL;
    if (random_next(s) % 2 == 0) {
        d->post[n].kind = (cj_post_kind)activations[random_next(s) % 9];
        d->post[n].alpha = d->post[n].kind == CJ_POST_CLAMP ? -0.5 : 0.1;
        d->post[n].beta = 0.75;
    }
}

static void pick_channels(cj_conv_desc *d, bool depthwise, int64_t most, unsigned *s)
{
    d->in_channels = pick_channel_count(s, most);
    d->out_channels = pick_channel_count(s, most);
    if (d->op == CJ_SEPARABLE) {
        d->multiplier = RANDOM_PICK(s, 0, 1, 2, 3);
    } else if (depthwise) {
        d->groups = d->in_channels;
        d->out_channels = d->in_channels * RANDOM_PICK(s, 1, 1, 2, 3);
    } else if (random_next(s) % 3 == 0) {
        d->groups = RANDOM_PICK(s, 2, 3, 4, 5);
        d->in_channels = d->groups * pick_channel_count(s, most / 4 + 1);
        d->out_channels = d->groups * pick_channel_count(s, most / 4 + 1);
    }
}

static void pick_layout(cj_layout *layout, int64_t *block, unsigned *s)
{
    *layout = (cj_layout)RANDOM_PICK(s, CJ_NCHW, CJ_NHWC, CJ_NCHWC);
    *block = *layout == CJ_NCHWC ? RANDOM_PICK(s, 2, 4, 8, 8, 16, 16, 32, 64) : 0;
}

cj_conv_desc random_desc(cj_op op, bool depthwise, const struct random_sizes *sizes, unsigned *s)
{
    cj_conv_desc d = {.op = op, .rank = 1 + (int)(random_next(s) % 3)};
    pick_channels(&d, depthwise, sizes->channels, s);
    for (int i = 0; i < d.rank; i++)
        pick_dimension(&d, i, sizes, s);
    pick_layout(&d.input_layout, &d.input_block, s);
    pick_layout(&d.output_layout, &d.output_block, s);
    d.dtype = random_next(s) % 4 == 0 ? CJ_F64 : CJ_F32;
    if (op != CJ_CONV_TRANSPOSE && random_next(s) % 4 == 0)
        d.pad_mode = (cj_pad_mode)(1 + random_next(s) % 3);
    if (random_next(s) % 5 == 0) {
        memset(d.pad_lo, 0, sizeof d.pad_lo);
        memset(d.pad_hi, 0, sizeof d.pad_hi);
        d.auto_pad = (cj_auto_pad)(1 + random_next(s) % 3);
    }
    pick_posts(&d, s);
    return d;
}
