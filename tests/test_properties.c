/* label: full */
/* What holds for every convolution, whatever computes it. Whole numbers make plain sums exact, so equal means
 * equal: in CJ_STRICT no algorithm may leave that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/property.h"
#include "support/random.h"

#include <stdlib.h>
#include <string.h>

static const struct manner plain = {.side = GUARD_BEHIND, .fill = 0xff};

/* ---- Linearity: f(2a - 3b) = 2 f(a) - 3 f(b) ---- */

static void combine(const struct problem *a, const struct problem *b, enum operand which, double *result)
{
    for (int64_t i = 0; i < a->count[which]; i++)
        result[i] = 2 * a->value[which][i] - 3 * b->value[which][i];
}

static void copy_operands(struct problem *to, const struct problem *from, enum operand except)
{
    for (int which = 0; which < OUTPUT; which++)
        if (which != (int)except)
            memcpy(to->value[which], from->value[which], (size_t)from->count[which] * sizeof(double));
}

static bool is_linear(cj_context *context, const struct sweep_op *op, enum operand which, unsigned seed)
{
    cj_conv_desc d = property_linear(op, false, &seed);
    struct problem a = property_problem(&d, 2, seed), b = property_problem(&d, 2, seed + 1);
    struct problem both = property_problem(&d, 2, seed);
    copy_operands(&b, &a, which);
    combine(&a, &b, which, both.value[which]);
    bool right =
        check_run(context, &a, &plain) && check_run(context, &b, &plain) && check_run(context, &both, &plain);
    combine(&a, &b, OUTPUT, a.value[OUTPUT]);
    right = right && check_bits(&both, both.value[OUTPUT], a.value[OUTPUT], "linearity");
    problem_free(&a);
    problem_free(&b);
    problem_free(&both);
    return right;
}

static bool linear_in_the_input(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    return is_linear(context, op, INPUT, seed);
}

static bool linear_in_the_weights(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    return is_linear(context, op, WEIGHT, seed) &&
           (op->op != CJ_SEPARABLE || is_linear(context, op, POINTWISE, seed));
}

static void linearity(void **state)
{
    (void)state;
    assert_int_equal(property_try(linear_in_the_input, 0, SWEEP_OPS - 1), 0);
    assert_int_equal(property_try(linear_in_the_weights, 0, SWEEP_OPS - 1), 0);
}

/* ---- An impulse reads the weights ---- */

static int64_t or_one(int64_t value)
{
    return value ? value : 1;
}

/* Where tap `k` of dimension `i` carries input element `at` to, or -1. */
static int64_t carry(const struct problem *p, int i, int64_t at, int64_t k)
{
    const cj_conv_desc *d = p->desc;
    if (i >= d->rank)
        return 0;
    int64_t stride = or_one(d->stride[i]), tap = k * or_one(d->dilation[i]);
    int64_t to = d->op == CJ_CONV_TRANSPOSE ? at * stride + tap - d->pad_lo[i] : at + d->pad_lo[i] - tap;
    if (d->op != CJ_CONV_TRANSPOSE) {
        if (to % stride)
            return -1;
        to /= stride;
    }
    return to >= 0 && to < p->out[i] ? to : -1;
}

/* Add the weights of one pair of channels to the output's plane. */
static void scatter(const struct problem *p, const int64_t at[3], const double *weight, double *plane)
{
    const int64_t *k = p->desc->kernel;
    for (int64_t d = 0; d < k[0]; d++)
        for (int64_t h = 0; h < or_one(k[1]); h++)
            for (int64_t w = 0; w < or_one(k[2]); w++, weight++) {
                int64_t a = carry(p, 0, at[0], d), b = carry(p, 1, at[1], h), c = carry(p, 2, at[2], w);
                if (a >= 0 && b >= 0 && c >= 0)
                    plane[(a * p->out[1] + b) * p->out[2] + c] += *weight;
            }
}

/* The output for an impulse at `at` of channel `ic`. */
static void expect_weights(const struct problem *p, int64_t ic, const int64_t at[3], double *want)
{
    const cj_conv_desc *d = p->desc;
    int64_t groups = or_one(d->groups), ics = d->in_channels / groups, ocs = d->out_channels / groups;
    int64_t taps = p->count[WEIGHT] / (d->in_channels * ocs), plane = p->out[0] * p->out[1] * p->out[2];
    memset(want, 0, (size_t)p->count[OUTPUT] * sizeof *want);
    for (int64_t i = 0; i < ocs; i++) {
        int64_t oc = ic / ics * ocs + i;
        int64_t pair = d->op == CJ_CONV_TRANSPOSE ? ic * ocs + i : oc * ics + ic % ics;
        scatter(p, at, p->value[WEIGHT] + pair * taps, want + oc * plane);
    }
}

static bool impulse_reads_the_weights(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_linear(op, true, &seed);
    struct problem p = property_problem(&d, 1, seed);
    int64_t at[3] = {0}, index = random_next(&seed) % (unsigned)p.count[INPUT], rest = index;
    for (int i = d.rank - 1; i >= 0; i--) {
        at[i] = rest % d.input[i];
        rest /= d.input[i];
    }
    memset(p.value[INPUT], 0, (size_t)p.count[INPUT] * sizeof(double));
    p.value[INPUT][index] = 1;
    double *want = calloc((size_t)p.count[OUTPUT], sizeof *want);
    expect_weights(&p, rest, at, want);
    bool right = check_run(context, &p, &plain);
    for (int64_t i = 0; i < p.count[OUTPUT]; i++)
        p.value[OUTPUT][i] += 0.0; /* minus zero is zero */
    right = right && check_bits(&p, p.value[OUTPUT], want, "an impulse");
    free(want);
    problem_free(&p);
    return right;
}

static void impulses(void **state)
{
    (void)state;
    assert_int_equal(property_try(impulse_reads_the_weights, 0, 3), 0);
}

/* ---- The transposed convolution is the transpose: <f(x), y> = <x, f'(y)> ---- */

static double dot(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static bool has_its_transpose(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_linear(op, true, &seed), t = d;
    struct problem f = property_problem(&d, 2, seed);
    t.op = CJ_CONV_TRANSPOSE;
    t.in_channels = d.out_channels;
    t.out_channels = d.in_channels;
    for (int i = 0; i < d.rank; i++) {
        t.input[i] = f.out[i];
        t.output_size[i] = d.input[i];
    }
    struct problem back = property_problem(&t, 2, seed + 1);
    memcpy(back.value[WEIGHT], f.value[WEIGHT], (size_t)f.count[WEIGHT] * sizeof(double));
    bool right = check_run(context, &f, &plain) && check_run(context, &back, &plain);
    double left = dot(f.value[OUTPUT], back.value[INPUT], f.count[OUTPUT]);
    double other = dot(f.value[INPUT], back.value[OUTPUT], f.count[INPUT]);
    if (right && left != other) {
        check_complain(&d, 2, "<f(x), y> is %.17g, <x, f'(y)> is %.17g", left, other);
        right = false;
    }
    problem_free(&f);
    problem_free(&back);
    return right;
}

static void transposition(void **state)
{
    (void)state;
    assert_int_equal(property_try(has_its_transpose, 0, 1), 0);
}

/* ---- Groups are convolutions side by side ---- */

/* Copy part `group` of the channels of each image; `back` copies the part into the whole. */
static void copy_group(struct problem *whole, struct problem *part, enum operand which, int64_t group,
                       bool back)
{
    int64_t size = part->count[which] / part->batch, image = whole->count[which] / whole->batch;
    for (int64_t n = 0; n < whole->batch; n++) {
        double *in_whole = whole->value[which] + n * image + group * size;
        double *in_part = part->value[which] + n * size;
        memcpy(back ? in_whole : in_part, back ? in_part : in_whole, (size_t)size * sizeof(double));
    }
}

static bool run_group(cj_context *context, struct problem *whole, struct problem *joined, int64_t group)
{
    cj_conv_desc d = *whole->desc;
    d.in_channels /= d.groups;
    d.out_channels /= d.groups;
    d.groups = 1;
    struct problem part = problem_new(&d, whole->batch, 1);
    copy_group(whole, &part, INPUT, group, false);
    memcpy(part.value[WEIGHT], whole->value[WEIGHT] + group * part.count[WEIGHT],
           (size_t)part.count[WEIGHT] * sizeof(double));
    bool right = check_run(context, &part, &plain);
    copy_group(joined, &part, OUTPUT, group, true);
    problem_free(&part);
    return right;
}

static bool groups_are_side_by_side(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    static const int64_t groups[] = {2, 3, 4, 5};
    cj_conv_desc d = property_linear(op, false, &seed);
    if (!op->depthwise) {
        d.groups = random_pick(&seed, groups, 4);
        d.in_channels = d.groups * (1 + random_next(&seed) % 9);
        d.out_channels = d.groups * (1 + random_next(&seed) % 9);
    }
    struct problem whole = property_problem(&d, 2, seed), joined = property_problem(&d, 2, seed);
    bool right = check_run(context, &whole, &plain);
    for (int64_t group = 0; group < or_one(d.groups) && right; group++)
        right = run_group(context, &whole, &joined, group);
    right = right && check_bits(&whole, whole.value[OUTPUT], joined.value[OUTPUT], "groups");
    problem_free(&whole);
    problem_free(&joined);
    return right;
}

static void groups(void **state)
{
    (void)state;
    assert_int_equal(property_try(groups_are_side_by_side, 0, 3), 0);
}

/* ---- Separable is depthwise, then pointwise ---- */

static cj_conv_desc depthwise_stage(const cj_conv_desc *separable)
{
    cj_conv_desc d = *separable;
    d.op = CJ_CONV;
    d.groups = d.in_channels;
    d.out_channels = d.in_channels * or_one(d.multiplier);
    d.multiplier = 0;
    return d;
}

static cj_conv_desc pointwise_stage(const cj_conv_desc *depthwise, const struct problem *stage,
                                    int64_t out_channels)
{
    cj_conv_desc d = {.rank = depthwise->rank,
                      .dtype = depthwise->dtype,
                      .in_channels = depthwise->out_channels,
                      .out_channels = out_channels};
    for (int i = 0; i < d.rank; i++) {
        d.input[i] = stage->out[i];
        d.kernel[i] = 1;
    }
    return d;
}

static bool separable_is_two_stages(cj_context *context, const struct sweep_op *op, unsigned seed)
{
    cj_conv_desc d = property_linear(op, false, &seed), first = depthwise_stage(&d);
    struct problem whole = property_problem(&d, 2, seed), one = property_problem(&first, 2, seed);
    cj_conv_desc second = pointwise_stage(&first, &one, d.out_channels);
    struct problem two = property_problem(&second, 2, seed);
    memcpy(one.value[INPUT], whole.value[INPUT], (size_t)one.count[INPUT] * sizeof(double));
    memcpy(one.value[WEIGHT], whole.value[WEIGHT], (size_t)one.count[WEIGHT] * sizeof(double));
    memcpy(two.value[WEIGHT], whole.value[POINTWISE], (size_t)two.count[WEIGHT] * sizeof(double));
    bool right = check_run(context, &whole, &plain) && check_run(context, &one, &plain);
    memcpy(two.value[INPUT], one.value[OUTPUT], (size_t)two.count[INPUT] * sizeof(double));
    right = right && check_run(context, &two, &plain) &&
            check_bits(&whole, whole.value[OUTPUT], two.value[OUTPUT], "two stages");
    problem_free(&whole);
    problem_free(&one);
    problem_free(&two);
    return right;
}

static void two_stages(void **state)
{
    (void)state;
    assert_int_equal(property_try(separable_is_two_stages, 4, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linearity), cmocka_unit_test(impulses),   cmocka_unit_test(transposition),
        cmocka_unit_test(groups),    cmocka_unit_test(two_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
