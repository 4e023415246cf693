/* How large and how much work a convolution is. */
#include "arith.h"
#include "conv.h"

/* The sum over i < n of floor((a*i + b) / m), for a and b of at least 0: Euclid's algorithm on the lattice
 * points under a line. */
static double floor_sum(unsigned __int128 n, unsigned __int128 m, unsigned __int128 a, unsigned __int128 b)
{
    unsigned __int128 sum = 0;
    while (n > 0) {
        sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
        a %= m;
        b %= m;
        unsigned __int128 top = a * n + b, slope = m;
        n = top / m;
        b = top % m;
        m = a;
        a = slope;
        if (n == 0)
            break;
    }
    return (double)sum;
}

/* The sum over taps of the outputs whose tap lies in front of element `limit` of the input. */
static double outputs_before(const struct phase_axis *p, int64_t limit)
{
    /* Counted from the last tap, output numbers grow: floor((i*off_step + base) / in_step), cut to 0..outs. */
    int64_t base = limit - p->off0 - (p->taps - 1) * p->off_step + p->in_step - 1;
    int64_t none = clamp64(ceil_div(p->in_step - base, p->off_step), 0, p->taps);
    int64_t all = clamp64(ceil_div(p->outs * p->in_step - base, p->off_step), none, p->taps);
    double some =
        all > none ? floor_sum((unsigned __int128)(all - none), (unsigned __int128)p->in_step,
                               (unsigned __int128)p->off_step, (unsigned __int128)(base + none * p->off_step))
                   : 0;
    return some + (double)(p->taps - all) * (double)p->outs;
}

/* Pairs of an output and a tap of one axis that meet, over all phases; in zeros, only inside the input. */
static double axis_products(const struct conv *conv, int axis)
{
    double products = 0;
    int64_t phases = conv_axis_phases(conv, axis);
    for (int64_t i = 0; i < phases; i++) {
        struct phase_axis p = conv_axis_phase(conv, axis, i);
        if (p.taps > 0 && conv->pad_mode == CJ_PAD_ZEROS)
            products += outputs_before(&p, conv->axis[axis].in) - outputs_before(&p, 0);
        else
            products += (double)p.taps * (double)p.outs;
    }
    return products;
}

double conv_mean_taps(const struct conv *conv, int axis)
{
    return axis_products(conv, axis) / (double)conv->axis[axis].out;
}

double conv_flops(const struct conv *conv)
{
    double products = 1, pixels = 1;
    for (int a = 0; a < AXES; a++) {
        products *= axis_products(conv, a);
        pixels *= (double)conv->axis[a].out;
    }
    if (conv->op == CJ_SEPARABLE)
        return 2 * (products * (double)conv->mid + pixels * (double)conv->mid * (double)conv->oc);
    return 2 * products * (double)conv->oc * (double)(conv->ic / conv->groups);
}

int64_t conv_src_extent(const struct conv *conv)
{
    int64_t last = strides_channel(&conv->src, conv->ic - 1);
    for (int a = 0; a < AXES; a++)
        last += (conv->axis[a].in - 1) * conv->src.axis[a];
    return last + 1;
}

int64_t conv_dst_extent(const struct conv *conv)
{
    int64_t last = strides_channel(&conv->dst, conv->oc - 1) + conv->zeros;
    for (int a = 0; a < AXES; a++)
        last += (conv->axis[a].out - 1) * conv->dst.axis[a];
    return last + 1;
}

int64_t conv_most_batch(const struct conv *conv)
{
    int64_t sizes[AXES + 1] = {conv->oc}, strides[AXES + 1] = {conv->dst.c}, reach = 0, next = INT64_MAX;
    for (int a = 0; a < AXES; a++) {
        sizes[a + 1] = conv->axis[a].out;
        strides[a + 1] = conv->dst.axis[a];
    }
    for (int i = 0; i <= AXES; i++) {
        if (sizes[i] == 1)
            continue;
        if (strides[i] < conv->dst.n)
            reach += strides[i] * (sizes[i] - 1);
        else
            next = min64(next, strides[i]);
    }
    return next == INT64_MAX ? next : (next - 1 - reach) / conv->dst.n + 1;
}
