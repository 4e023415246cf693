/* Every index is computed from the definition for every product. Slow, and short enough to be believed. */
#include "oracle.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct dims {
    int rank;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], lo[3];
    int64_t groups, mid;
};

static int64_t or_one(int64_t value)
{
    return value ? value : 1;
}

static void resolve_padding(const cj_conv_desc *d, struct dims *x, int i, int64_t *hi)
{
    int64_t span = (x->kernel[i] - 1) * x->dilation[i] + 1, total;
    x->lo[i] = d->pad_lo[i];
    *hi = d->pad_hi[i];
    if (d->auto_pad == CJ_PAD_EXPLICIT || d->auto_pad == CJ_PAD_VALID)
        return;
    if (d->op == CJ_CONV_TRANSPOSE)
        total = (x->in[i] - 1) * x->stride[i] + span - x->in[i] * x->stride[i];
    else
        total = ((x->in[i] + x->stride[i] - 1) / x->stride[i] - 1) * x->stride[i] + span - x->in[i];
    total = total < 0 ? 0 : total;
    x->lo[i] = d->auto_pad == CJ_PAD_SAME ? total / 2 : total - total / 2;
    *hi = total - x->lo[i];
}

static struct dims resolve(const cj_conv_desc *d)
{
    struct dims x = {.rank = d->rank ? d->rank : 2, .groups = or_one(d->groups)};
    if (d->op == CJ_SEPARABLE)
        x.mid = d->in_channels * or_one(d->multiplier);
    for (int i = 0; i < 3; i++) {
        bool used = i < x.rank;
        x.in[i] = used ? d->input[i] : 1;
        x.kernel[i] = used ? d->kernel[i] : 1;
        x.stride[i] = used ? or_one(d->stride[i]) : 1;
        x.dilation[i] = used ? or_one(d->dilation[i]) : 1;
        int64_t hi = 0, span = (x.kernel[i] - 1) * x.dilation[i] + 1;
        if (used)
            resolve_padding(d, &x, i, &hi);
        if (d->op == CJ_CONV_TRANSPOSE)
            x.out[i] = (x.in[i] - 1) * x.stride[i] - x.lo[i] - hi + span + (used ? d->output_padding[i] : 0);
        else
            x.out[i] = (x.in[i] + x.lo[i] + hi - span) / x.stride[i] + 1;
        if (used && d->output_size[i])
            x.out[i] = d->output_size[i];
    }
    return x;
}

void oracle_output_size(const cj_conv_desc *desc, int64_t output[3])
{
    struct dims x = resolve(desc);
    for (int i = 0; i < 3; i++)
        output[i] = x.out[i];
}

/* The input index that output o and tap k of dimension i meet at, or -1 for nothing. */
static int64_t meet(const cj_conv_desc *d, const struct dims *x, int i, int64_t o, int64_t k)
{
    int64_t n = x->in[i], at = o * x->stride[i] + k * x->dilation[i] - x->lo[i];
    if (d->op == CJ_CONV_TRANSPOSE) {
        int64_t up = o + x->lo[i] - k * x->dilation[i];
        return up >= 0 && up % x->stride[i] == 0 && up / x->stride[i] < n ? up / x->stride[i] : -1;
    }
    if (at >= 0 && at < n)
        return at;
    switch (d->pad_mode) {
    case CJ_PAD_ZEROS:
        return -1;
    case CJ_PAD_REFLECT:
        return at < 0 ? -at : 2 * (n - 1) - at;
    case CJ_PAD_REPLICATE:
        return at < 0 ? 0 : n - 1;
    case CJ_PAD_CIRCULAR:
        return at < 0 ? at + n : at - n;
    }
    return -1;
}

struct sum {
    double value, bound;
};

/* Sum over taps for one input channel and the kernel that starts at `w`. */
static struct sum one_kernel(const struct oracle_case *c, const struct dims *x, const int64_t o[3],
                             const double *plane, const double *w)
{
    struct sum s = {0, 0};
    for (int64_t kd = 0; kd < x->kernel[0]; kd++)
        for (int64_t kh = 0; kh < x->kernel[1]; kh++)
            for (int64_t kw = 0; kw < x->kernel[2]; kw++, w++) {
                int64_t d = meet(c->desc, x, 0, o[0], kd), h = meet(c->desc, x, 1, o[1], kh),
                        v = meet(c->desc, x, 2, o[2], kw);
                if (d < 0 || h < 0 || v < 0)
                    continue;
                double product = plane[(d * x->in[1] + h) * x->in[2] + v] * *w;
                s.value += product;
                s.bound += fabs(product);
            }
    return s;
}

static struct sum dense(const struct oracle_case *c, const struct dims *x, const double *image, int64_t oc,
                        const int64_t o[3])
{
    const cj_conv_desc *d = c->desc;
    int64_t taps = x->kernel[0] * x->kernel[1] * x->kernel[2], plane = x->in[0] * x->in[1] * x->in[2];
    int64_t ics = d->in_channels / x->groups, ocs = d->out_channels / x->groups, group = oc / ocs;
    struct sum s = {0, 0};
    for (int64_t i = 0; i < ics; i++) {
        int64_t ic = group * ics + i;
        int64_t w = d->op == CJ_CONV_TRANSPOSE ? ic * ocs + oc % ocs : oc * ics + i;
        struct sum k = one_kernel(c, x, o, image + ic * plane, c->weight + w * taps);
        s.value += k.value;
        s.bound += k.bound;
    }
    return s;
}

static struct sum separable(const struct oracle_case *c, const struct dims *x, const double *image, int64_t oc,
                            const int64_t o[3])
{
    int64_t taps = x->kernel[0] * x->kernel[1] * x->kernel[2], plane = x->in[0] * x->in[1] * x->in[2];
    struct sum s = {0, 0};
    for (int64_t m = 0; m < x->mid; m++) {
        int64_t ic = m / or_one(c->desc->multiplier);
        struct sum k = one_kernel(c, x, o, image + ic * plane, c->weight + m * taps);
        double w = c->pointwise[oc * x->mid + m];
        s.value += k.value * w;
        s.bound += k.bound * fabs(w);
    }
    return s;
}

static double activate(const cj_post *post, double y)
{
    switch (post->kind) {
    case CJ_POST_RELU:
        return y > 0 ? y : 0;
    case CJ_POST_RELU6:
        return fmin(fmax(y, 0), 6);
    case CJ_POST_LEAKY_RELU:
        return y < 0 ? post->alpha * y : y;
    case CJ_POST_SIGMOID:
        return 1 / (1 + exp(-y));
    case CJ_POST_TANH:
        return tanh(y);
    case CJ_POST_SILU:
        return y / (1 + exp(-y));
    case CJ_POST_GELU:
        return y * (1 + erf(y / sqrt(2))) / 2;
    case CJ_POST_HARDSWISH:
        return y * fmin(fmax(y + 3, 0), 6) / 6;
    case CJ_POST_CLAMP:
        return fmin(fmax(y, post->alpha), post->beta);
    case CJ_POST_NONE:
    case CJ_POST_RESIDUAL:
    case CJ_POST_SCALE_SHIFT:
        return y;
    }
    return y;
}

static struct sum finish(const struct oracle_case *c, struct sum s, int64_t oc, int64_t index)
{
    if (c->desc->bias) {
        s.value += c->bias[oc];
        s.bound += fabs(c->bias[oc]);
    }
    for (int i = 0; i < CJ_MAX_POST && c->desc->post[i].kind != CJ_POST_NONE; i++) {
        const cj_post *post = &c->desc->post[i];
        if (post->kind == CJ_POST_RESIDUAL) {
            s.value += c->residual[index];
            s.bound += fabs(c->residual[index]);
        } else if (post->kind == CJ_POST_SCALE_SHIFT) {
            s.value = s.value * c->scale[oc] + c->shift[oc];
            s.bound = s.bound * fabs(c->scale[oc]) + fabs(c->shift[oc]);
        } else {
            s.value = activate(post, s.value);
            /* No activation here is steeper than 1.13 (gelu), but for leaky_relu's slope. */
            s.bound =
                s.bound * (1.2 + fabs(post->kind == CJ_POST_LEAKY_RELU ? post->alpha : 0)) + fabs(s.value);
        }
    }
    return s;
}

static void one_element(const struct oracle_case *c, const struct dims *x, int64_t index)
{
    int64_t o[3], plane = x->in[0] * x->in[1] * x->in[2], rest = index;
    for (int i = 2; i >= 0; i--) {
        o[i] = rest % x->out[i];
        rest /= x->out[i];
    }
    int64_t oc = rest % c->desc->out_channels, n = rest / c->desc->out_channels;
    const double *image = c->input + n * c->desc->in_channels * plane;
    struct sum s = c->desc->op == CJ_SEPARABLE ? separable(c, x, image, oc, o) : dense(c, x, image, oc, o);
    s = finish(c, s, oc, index);
    c->output[index] = s.value;
    c->bound[index] = s.bound;
}

void oracle_at(const struct oracle_case *c, int64_t index)
{
    struct dims x = resolve(c->desc);
    one_element(c, &x, index);
}

void oracle_run(const struct oracle_case *c)
{
    struct dims x = resolve(c->desc);
    int64_t count = c->batch * c->desc->out_channels * x.out[0] * x.out[1] * x.out[2];
    for (int64_t index = 0; index < count; index++)
        one_element(c, &x, index);
}
