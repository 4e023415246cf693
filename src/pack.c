/* Packing walks the nest of a plan's pack axes, the innermost as a run of a line at most, the others in the
 * order in which the plain weights lie, whatever theirs is: so each line is read while it is still in the
 * cache, and written whole. */
#include "pack.h"

#include "arith.h"
#include "winograd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int64_t axis_count(const struct pack_axis *axis, const struct phase *phase)
{
    return axis->coordinate >= PACK_D ? phase->axis[axis->coordinate - PACK_D].taps : axis->count;
}

static int64_t axis_step(const struct pack_axis *axis, const struct phase *phase)
{
    return axis->coordinate >= PACK_D ? phase->axis[axis->coordinate - PACK_D].k_step : axis->step;
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
    if (index == conv->axis[axis].stride || conv->op != CJ_CONV_TRANSPOSE)
        return index ? conv->axis[axis].kernel : 0; /* each tap is in one of the phases */
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

/* One loop of the walk: its turns; what each adds to the coordinate, and in bytes to both addresses. */
struct level {
    int64_t coordinate, count, step, from, to;
};

struct walk {
    struct plain plain;
    int levels;
    struct level level[PACK_MAX_AXES + 1]; /* outermost first */
};

enum { LINE_BYTES = 64 };

/* A run of several whole lines becomes a run of one and a loop around it. */
static void split_run(struct walk *walk)
{
    struct level *run = &walk->level[walk->levels - 1];
    int64_t line = LINE_BYTES / walk->plain.element;
    if (run->coordinate >= PACK_D || run->count % line)
        return;
    run[1] = run[0];
    run[1].count = line;
    run[0].count /= line;
    run[0].step *= line;
    run[0].from *= line;
    run[0].to *= line;
    walk->levels++;
}

static void sort_loops(struct walk *walk)
{
    for (int i = 1; i < walk->levels - 1; i++)
        for (int j = i; j > 0 && llabs(walk->level[j - 1].from) < llabs(walk->level[j].from); j--) {
            struct level level = walk->level[j];
            walk->level[j] = walk->level[j - 1];
            walk->level[j - 1] = level;
        }
}

/* Sets the loops for the phase of `walk->plain`; gives the bytes that the nest takes there. */
static int64_t set_loops(struct walk *walk, const struct pack *pack)
{
    const struct plain *plain = &walk->plain;
    int64_t bytes = plain->element;
    walk->levels = (int)pack->axes;
    for (int64_t i = pack->axes - 1; i >= 0; i--) {
        const struct pack_axis *axis = &pack->axis[i];
        int64_t step = axis_step(axis, &plain->phase), count = axis_count(axis, &plain->phase);
        walk->level[i] = (struct level){axis->coordinate, count, step,
                                        step * plain->step[axis->coordinate] * plain->element, bytes};
        bytes *= count;
    }
    split_run(walk);
    sort_loops(walk);
    return bytes;
}

/* Bytes of all weights that the phase has. */
static int64_t phase_bytes(const struct plain *plain)
{
    int64_t bytes = plain->element;
    for (int c = 0; c < PACK_COORDINATES; c++)
        bytes *= c >= PACK_D ? plain->phase.axis[c - PACK_D].taps : plain->limit[c];
    return bytes;
}

/* A line at most of elements that lie `step` bytes apart. */
static void copy_run(char *to, const char *from, int64_t count, int64_t step, int element)
{
    if (step == element && count * element == LINE_BYTES)
        memcpy(to, from, LINE_BYTES);
    else if (element == 4)
        for (int64_t i = 0; i < count; i++)
            memcpy(to + i * 4, from + i * step, 4);
    else
        for (int64_t i = 0; i < count; i++)
            memcpy(to + i * 8, from + i * step, 8);
}

/* Turns of a loop that lie inside the weights, from `start` of its coordinate on. */
static int64_t turns_inside(const struct walk *walk, const struct level *level, int64_t start)
{
    int64_t last = start + (level->count - 1) * level->step, limit = walk->plain.limit[level->coordinate];
    if (level->coordinate >= PACK_D || last < limit)
        return level->count;
    return start < limit ? ceil_div(limit - start, level->step) : 0;
}

/* Copy what lies inside the weights. `at` holds the coordinates of the loops so far. */
static void copy_level(const struct walk *walk, int depth, int64_t at[PACK_COORDINATES], const char *from,
                       char *to)
{
    const struct level *level = &walk->level[depth];
    int64_t *coordinate = &at[level->coordinate], start = *coordinate;
    int64_t count = turns_inside(walk, level, start);
    if (depth == walk->levels - 1) {
        copy_run(to, from, count, level->from, walk->plain.element);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        *coordinate = start + i * level->step;
        copy_level(walk, depth + 1, at, from + i * level->from, to + i * level->to);
    }
    *coordinate = start;
}

static void pack_stage(const struct conv *conv, const struct pack *pack, const char *from, char *to)
{
    struct walk walk = {.plain = pack_plain(conv)};
    struct plain *plain = &walk.plain;
    int64_t phases = conv_phases(conv), written = 0;
    for (int64_t i = 0; i < phases; i++) {
        plain->phase = conv_phase(conv, i);
        int64_t bytes = set_loops(&walk, pack), at[PACK_COORDINATES] = {0}, first = 0;
        for (int a = 0; a < AXES; a++)
            first += plain->phase.axis[a].k0 * plain->step[PACK_D + a] * plain->element;
        if (bytes > phase_bytes(plain))
            memset(to + written, 0, (size_t)bytes);
        if (bytes > 0)
            copy_level(&walk, 0, at, from + first, to + written);
        written += bytes;
    }
    memset(to + written, 0, (size_t)(round_up(written, 64) - written));
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
