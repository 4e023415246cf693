/* Packing walks the nest of a plan's pack axes, outermost first, with running coordinates. The innermost axis
 * is a run: its source step is constant, and how much of it lies inside the weights is known before it. */
#include "pack.h"

#include "arith.h"
#include "winograd.h"

#include <stdbool.h>
#include <string.h>

static int64_t axis_count(const struct pack_axis *axis, const struct phase *phase)
{
    return axis->coordinate >= PACK_D ? phase->axis[axis->coordinate - PACK_D].taps : axis->count;
}

static int64_t axis_step(const struct pack_axis *axis, const struct phase *phase)
{
    return axis->coordinate >= PACK_D ? phase->axis[axis->coordinate - PACK_D].k_step : axis->step;
}

static int64_t nest_elements(const struct pack *pack, const struct phase *phase)
{
    int64_t elements = 1;
    for (int64_t i = 0; i < pack->axes; i++)
        elements *= axis_count(&pack->axis[i], phase);
    return elements;
}

/* The convolution that one stage is. */
static struct conv stage_conv(const struct conv *conv, int stage)
{
    struct conv result = *conv;
    if (conv->op != CJ_SEPARABLE)
        return result;
    result.op = CJ_CONV;
    if (stage == 0) {
        result.oc = conv->mid;
        return result;
    }
    result.ic = conv->mid;
    result.groups = 1;
    for (int a = 0; a < AXES; a++)
        result.axis[a] = (struct axis){1, 1, 1, 1, 1, 0, 0};
    return result;
}

int64_t pack_elements_of_tap(const struct pack *pack)
{
    int64_t elements = 1;
    for (int64_t i = 0; i < pack->axes; i++)
        if (pack->axis[i].coordinate < PACK_D)
            elements *= pack->axis[i].count;
    return elements;
}

int64_t pack_taps_before(const struct conv *conv, int axis, int64_t index)
{
    int64_t taps = 0;
    for (int64_t i = 0; i < index; i++)
        taps += conv_axis_phase(conv, axis, i).taps;
    return taps;
}

/* Whether the nest walks the taps of an axis; if it does not, the axis counts as one tap. */
static bool walks_axis(const struct pack *pack, int axis)
{
    for (int64_t i = 0; i < pack->axes; i++)
        if (pack->axis[i].coordinate == PACK_D + axis)
            return true;
    return false;
}

int64_t pack_bytes(const struct conv *conv, const struct pack *pack, int stage)
{
    struct conv own = stage_conv(conv, stage);
    int64_t elements = pack_elements_of_tap(pack);
    for (int a = 0; a < AXES; a++)
        elements *= walks_axis(pack, a) ? pack_taps_before(&own, a, conv_axis_phases(&own, a)) : 1;
    return round_up(elements * dtype_bytes((cj_dtype)conv->dtype), 64);
}

struct plain pack_plain(const struct conv *conv)
{
    struct plain plain = {.element = dtype_bytes((cj_dtype)conv->dtype)};
    int64_t oc = conv->oc / conv->groups, ic = conv->ic / conv->groups, step = 1;
    for (int a = AXES - 1; a >= 0; a--) {
        plain.step[PACK_D + a] = step;
        step *= conv->axis[a].kernel;
        plain.limit[PACK_D + a] = conv->axis[a].kernel;
    }
    int transposed = conv->op == CJ_CONV_TRANSPOSE;
    plain.step[transposed ? PACK_OC : PACK_IC] = step;
    plain.step[transposed ? PACK_IC : PACK_OC] = step * (transposed ? oc : ic);
    plain.step[PACK_GROUP] = step * oc * ic;
    plain.limit[PACK_GROUP] = conv->groups;
    plain.limit[PACK_OC] = oc;
    plain.limit[PACK_IC] = ic;
    return plain;
}

/* Where the walk stands: the coordinates so far, and what remains of the destination. */
struct walk {
    const struct pack *pack;
    const struct plain *plain;
    const char *from;
    char *to;
};

static void copy_strided(char *to, const char *from, int64_t count, int64_t step, int element)
{
    if (element == 4)
        for (int64_t i = 0; i < count; i++)
            memcpy(to + i * 4, from + i * step, 4);
    else
        for (int64_t i = 0; i < count; i++)
            memcpy(to + i * 8, from + i * step, 8);
}

/* The innermost axis: copy what lies inside, clear the rest. */
static void pack_run(struct walk *walk, const struct pack_axis *axis, const int64_t at[PACK_COORDINATES])
{
    const struct plain *plain = walk->plain;
    int64_t count = axis_count(axis, &plain->phase), step = axis_step(axis, &plain->phase), offset = 0;
    int64_t inside =
        axis->coordinate >= PACK_D
            ? count
            : clamp64(ceil_div(plain->limit[axis->coordinate] - at[axis->coordinate], step), 0, count);
    for (int c = 0; c < PACK_COORDINATES; c++) {
        offset += at[c] * plain->step[c];
        if (at[c] >= plain->limit[c])
            inside = 0;
    }
    if (inside)
        copy_strided(walk->to, walk->from + offset * plain->element, inside,
                     step * plain->step[axis->coordinate] * plain->element, plain->element);
    memset(walk->to + inside * plain->element, 0, (size_t)((count - inside) * plain->element));
    walk->to += count * plain->element;
}

static void pack_axis(struct walk *walk, int64_t depth, int64_t at[PACK_COORDINATES])
{
    const struct pack_axis *axis = &walk->pack->axis[depth];
    if (depth == walk->pack->axes - 1) {
        pack_run(walk, axis, at);
        return;
    }
    int64_t count = axis_count(axis, &walk->plain->phase), step = axis_step(axis, &walk->plain->phase);
    int64_t start = at[axis->coordinate];
    for (int64_t i = 0; i < count; i++, at[axis->coordinate] += step)
        pack_axis(walk, depth + 1, at);
    at[axis->coordinate] = start;
}

static void pack_stage(const struct conv *conv, const struct pack *pack, const void *from, void *to)
{
    struct plain plain = pack_plain(conv);
    struct walk walk = {pack, &plain, from, to};
    int64_t phases = conv_phases(conv);
    for (int64_t i = 0; i < phases; i++) {
        plain.phase = conv_phase(conv, i);
        int64_t at[PACK_COORDINATES] = {0};
        for (int a = 0; a < AXES; a++)
            at[PACK_D + a] = plain.phase.axis[a].k0;
        if (nest_elements(pack, &plain.phase) > 0)
            pack_axis(&walk, 0, at);
    }
    int64_t bytes = walk.to - (char *)to;
    memset(walk.to, 0, (size_t)(round_up(bytes, 64) - bytes));
}

void pack_weights(const struct plan *plan, const void *weight, const void *pointwise, void *packed)
{
    if (plan->wino_cols) {
        winograd_pack(plan, weight, packed);
        return;
    }
    struct conv first = stage_conv(&plan->conv, 0);
    pack_stage(&first, &plan->pack, weight, packed);
    if (plan->conv.op != CJ_SEPARABLE)
        return;
    struct conv second = stage_conv(&plan->conv, 1);
    pack_stage(&second, &plan->pack2, pointwise, (char *)packed + plan->pack2_offset);
}
