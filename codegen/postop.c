/* The table of post-ops. What is not a number stays so: em_vmax and em_vmin give their second operand then. */
#include "postop.h"

#include "em_approx.h"

struct operands {
    em_vec y, first, second;
    const struct post *post;
};

static em_vec residual(struct em *em, const struct operands *o)
{
    return em_vadd(em, o->y, o->first);
}
static em_vec scale_shift(struct em *em, const struct operands *o)
{
    return em_fma(em, o->y, o->first, o->second);
}
static em_vec relu(struct em *em, const struct operands *o)
{
    return em_vmax(em, em_vconst(em, 0), o->y);
}

static em_vec between(struct em *em, em_vec y, double low, double high)
{
    return em_vmin(em, em_vconst(em, high), em_vmax(em, em_vconst(em, low), y));
}

static em_vec relu6(struct em *em, const struct operands *o)
{
    return between(em, o->y, 0, 6);
}

static em_vec leaky_relu(struct em *em, const struct operands *o)
{
    em_vec scaled = em_vmul(em, o->y, em_vconst(em, o->post->alpha));
    return em_vselect(em, em_vlt(em, o->y, em_vconst(em, 0)), scaled, o->y);
}

static em_vec sigmoid(struct em *em, const struct operands *o)
{
    return em_sigmoid(em, o->y);
}
static em_vec tanh_(struct em *em, const struct operands *o)
{
    return em_tanh(em, o->y);
}

/* y / (1 + exp(-y)): at -infinity y * sigmoid(y) would be infinity times 0; the clamp keeps its limit. */
static em_vec silu(struct em *em, const struct operands *o)
{
    em_vec bounded = em_vmax(em, em_vconst(em, -1e3), o->y);
    return em_vmul(em, bounded, em_sigmoid(em, bounded));
}

static em_vec gelu(struct em *em, const struct operands *o)
{
    em_vec bounded = em_vmax(em, em_vconst(em, -1e3), o->y);
    em_vec erf = em_erf(em, em_vmul(em, bounded, em_vconst(em, 0x1.6a09e667f3bcdp-1)));
    return em_vmul(em, em_vmul(em, bounded, em_vconst(em, 0.5)), em_vadd(em, erf, em_vconst(em, 1)));
}

/* The gate is divided first: it is 1 from y = 3 on, so that large y neither round nor overflow. */
static em_vec hardswish(struct em *em, const struct operands *o)
{
    em_vec bounded = em_vmax(em, em_vconst(em, -1e3), o->y);
    em_vec gate = between(em, em_vadd(em, bounded, em_vconst(em, 3)), 0, 6);
    return em_vmul(em, bounded, em_vmul(em, gate, em_vconst(em, 1.0 / 6)));
}

static em_vec clamp(struct em *em, const struct operands *o)
{
    return between(em, o->y, o->post->alpha, o->post->beta);
}

static em_vec (*const rows[])(struct em *, const struct operands *) = {
    [CJ_POST_RESIDUAL] = residual,
    [CJ_POST_SCALE_SHIFT] = scale_shift,
    [CJ_POST_RELU] = relu,
    [CJ_POST_RELU6] = relu6,
    [CJ_POST_LEAKY_RELU] = leaky_relu,
    [CJ_POST_SIGMOID] = sigmoid,
    [CJ_POST_TANH] = tanh_,
    [CJ_POST_SILU] = silu,
    [CJ_POST_GELU] = gelu,
    [CJ_POST_HARDSWISH] = hardswish,
    [CJ_POST_CLAMP] = clamp,
};

em_vec postop_apply(struct em *em, const struct post *post, em_vec y, em_vec first, em_vec second)
{
    return rows[post->kind](em, &(struct operands){y, first, second, post});
}
