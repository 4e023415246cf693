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

/* The x in [0, m) with a * x mod m = 1, for a and m without a common factor (Euclid's algorithm, extended). */
static int64_t inverse(int64_t a, int64_t m)
{
    int64_t r0 = m, r1 = a % m, x0 = 0, x1 = 1;
    while (r1 > 1) {
        int64_t q = r0 / r1, r2 = r0 - q * r1, x2 = x0 - q * x1;
        r0 = r1, r1 = r2, x0 = x1, x1 = x2;
    }
    return m == 1 ? 0 : floor_mod(x1, m);
}

/* The first tap that meets outputs of residue r, k*d mod s = r: the solution of a linear congruence, which
 * exists where g = gcd(s, d) divides r. `kernel` if no tap does. */
static int64_t first_tap(const struct axis *axis, int64_t g, int64_t residue)
{
    int64_t period = axis->stride / g;
    if (axis->dilation == 1)
        return min64(residue, axis->kernel);
    if (residue % g)
        return axis->kernel;
    int64_t factor = inverse(axis->dilation / g, period), product;
    if (mul_fits(residue / g, factor, &product))
        return min64(product % period, axis->kernel);
    return min64((int64_t)((__int128)(residue / g) * factor % period), axis->kernel);
}

/* Stride 1 leaves one phase, an ordinary convolution with its taps in the opposite order. Plans ask for axes
 * often enough that the divisions below would take most of their time. */
static struct phase_axis flipped_axis(const struct axis *axis)
{
    return (struct phase_axis){.outs = axis->out,
                               .out_step = 1,
                               .in_step = 1,
                               .off0 = axis->pad_lo - (axis->kernel - 1) * axis->dilation,
                               .off_step = axis->dilation,
                               .taps = axis->kernel,
                               .k0 = axis->kernel - 1,
                               .k_step = -1};
}

/* Phase number p of an axis holds the outputs p, p + s, p + 2s, ... */
static struct phase_axis transposed_axis(const struct axis *axis, int64_t p)
{
    if (axis->stride == 1)
        return flipped_axis(axis);
    int64_t s = axis->stride, d = axis->dilation, g = gcd64(s, d), residue = (p + axis->pad_lo) % s;
    struct phase_axis phase = {.outs = ceil_div(axis->out - p, s),
                               .out0 = p,
                               .out_step = s,
                               .in_step = 1,
                               .off_step = d / g,
                               .k_step = -(s / g)};
    int64_t first = first_tap(axis, g, residue);
    if (first >= axis->kernel)
        return phase;
    phase.taps = ceil_div(axis->kernel - first, s / g);
    phase.k0 = first + (phase.taps - 1) * (s / g);
    phase.off0 = (p + axis->pad_lo - phase.k0 * d) / s;
    return phase;
}

int64_t conv_axis_phases(const struct conv *conv, int axis)
{
    if (conv->op != CJ_CONV_TRANSPOSE)
        return 1;
    return min64(conv->axis[axis].stride, conv->axis[axis].out);
}

struct phase_axis conv_axis_phase(const struct conv *conv, int axis, int64_t index)
{
    bool transposed = conv->op == CJ_CONV_TRANSPOSE;
    return transposed ? transposed_axis(&conv->axis[axis], index) : forward_axis(&conv->axis[axis]);
}

int64_t conv_phases(const struct conv *conv)
{
    int64_t phases = 1;
    for (int a = 0; a < AXES; a++)
        phases *= conv_axis_phases(conv, a);
    return phases;
}

struct phase conv_phase(const struct conv *conv, int64_t index)
{
    struct phase phase;
    for (int a = AXES - 1; a >= 0; a--) {
        int64_t count = conv_axis_phases(conv, a), own = count > 1 ? index % count : 0;
        phase.axis[a] = conv_axis_phase(conv, a, own);
        index = count > 1 ? index / count : index;
    }
    return phase;
}
