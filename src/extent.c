/* How large and how much work a convolution is. */
#include "arith.h"
#include "conv.h"

/* Pairs of an output and a tap of one axis that meet inside the input: counted per tap, outputs by division. */
static double axis_products(const struct conv *conv, int axis, const struct phase_axis *phase)
{
    double products = 0;
    int64_t in = conv->axis[axis].in;
    for (int64_t t = 0; t < phase->taps; t++) {
        int64_t offset = phase->off0 + t * phase->off_step;
        int64_t first = clamp64(ceil_div(-offset, phase->in_step), 0, phase->outs);
        int64_t end = clamp64(ceil_div(in - offset, phase->in_step), first, phase->outs);
        products += conv->pad_mode == CJ_PAD_ZEROS ? (double)(end - first) : (double)phase->outs;
    }
    return products;
}

double conv_flops(const struct conv *conv)
{
    double products = 0, pixels = 1;
    int64_t phases = conv_phases(conv);
    for (int64_t i = 0; i < phases; i++) {
        struct phase phase = conv_phase(conv, i);
        double own = 1;
        for (int a = 0; a < AXES; a++)
            own *= axis_products(conv, a, &phase.axis[a]);
        products += own;
    }
    for (int a = 0; a < AXES; a++)
        pixels *= (double)conv->axis[a].out;
    if (conv->op == CJ_SEPARABLE)
        return 2 * (products * (double)conv->mid + pixels * (double)conv->mid * (double)conv->oc);
    return 2 * products * (double)conv->oc * (double)(conv->ic / conv->groups);
}

int64_t conv_src_extent(const struct conv *conv)
{
    int64_t last = (conv->ic - 1) * conv->src.c;
    for (int a = 0; a < AXES; a++)
        last += (conv->axis[a].in - 1) * conv->src.axis[a];
    return last + 1;
}

int64_t conv_dst_extent(const struct conv *conv)
{
    int64_t last = (conv->oc - 1) * conv->dst.c;
    for (int a = 0; a < AXES; a++)
        last += (conv->axis[a].out - 1) * conv->dst.axis[a];
    return last + 1;
}
