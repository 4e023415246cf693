/* Phases: a transposed convolution as ordinary ones of stride 1.
 *
 * Element i of the input and tap k of the kernel meet in output i*s + k*d - pad. Outputs o with the same
 * residue r = (o + pad) mod s are met by the taps with k*d mod s = r: every (s/g)-th, g = gcd(s, d), or none.
 * Along them the input moves by d/g, backwards; counting them from the last makes it forwards. */
#include "arith.h"
#include "conv.h"

#include <stdbool.h>

static struct phase_axis forward_axis(const struct axis *axis)
{
    return (struct phase_axis){.outs = axis->out,
                               .out_step = 1,
                               .in_step = axis->stride,
                               .off0 = -axis->pad_lo,
                               .off_step = axis->dilation,
                               .taps = axis->kernel,
                               .k_step = 1};
}

/* The first tap that meets outputs of residue r; `kernel` if none does. */
static int64_t first_tap(const struct axis *axis, int64_t residue)
{
    int64_t k = 0, end = min64(axis->stride / gcd64(axis->stride, axis->dilation), axis->kernel);
    while (k < end && k * axis->dilation % axis->stride != residue)
        k++;
    return k < end ? k : axis->kernel;
}

/* Phase number p of an axis holds the outputs p, p + s, p + 2s, ... */
static struct phase_axis transposed_axis(const struct axis *axis, int64_t p)
{
    int64_t s = axis->stride, d = axis->dilation, g = gcd64(s, d), residue = (p + axis->pad_lo) % s;
    struct phase_axis phase = {.outs = ceil_div(axis->out - p, s),
                               .out0 = p,
                               .out_step = s,
                               .in_step = 1,
                               .off_step = d / g,
                               .k_step = -(s / g)};
    int64_t first = first_tap(axis, residue);
    if (first >= axis->kernel)
        return phase;
    phase.taps = ceil_div(axis->kernel - first, s / g);
    phase.k0 = first + (phase.taps - 1) * (s / g);
    phase.off0 = (p + axis->pad_lo - phase.k0 * d) / s;
    return phase;
}

static int64_t axis_phases(const struct conv *conv, int axis)
{
    if (conv->op != CJ_CONV_TRANSPOSE)
        return 1;
    return min64(conv->axis[axis].stride, conv->axis[axis].out);
}

int64_t conv_phases(const struct conv *conv)
{
    return axis_phases(conv, AXIS_D) * axis_phases(conv, AXIS_H) * axis_phases(conv, AXIS_W);
}

struct phase conv_phase(const struct conv *conv, int64_t index)
{
    struct phase phase;
    for (int a = AXES - 1; a >= 0; a--) {
        int64_t count = axis_phases(conv, a);
        bool transposed = conv->op == CJ_CONV_TRANSPOSE;
        phase.axis[a] =
            transposed ? transposed_axis(&conv->axis[a], index % count) : forward_axis(&conv->axis[a]);
        index /= count;
    }
    return phase;
}
