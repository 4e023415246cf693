/* Phases against the definition: each product of an output and a tap, and no other, in exactly one phase. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST_OUT = 80, MOST_KERNEL = 8, OUTSIDE = -1 };

/* For each output and tap of an axis the input index that they meet at. */
struct meetings {
    int64_t at[MOST_OUT][MOST_KERNEL];
    int seen[MOST_OUT][MOST_KERNEL], outs[MOST_OUT];
};

/* From the definitions: a convolution's output o reads o*stride + k*dilation - pad_lo; a transposed one's input
 * i is added to output i*stride + k*dilation - pad_lo. Coordinates of inputs that do not exist are OUTSIDE. */
static void meet_by_definition(const struct conv *conv, const struct axis *axis, struct meetings *m)
{
    for (int64_t o = 0; o < axis->out; o++)
        for (int64_t k = 0; k < axis->kernel; k++) {
            m->at[o][k] = OUTSIDE;
            for (int64_t i = 0; i < axis->in; i++) {
                int64_t meets = conv->op == CJ_CONV_TRANSPOSE
                                    ? i * axis->stride + k * axis->dilation - axis->pad_lo == o
                                    : o * axis->stride + k * axis->dilation - axis->pad_lo == i;
                m->at[o][k] = meets ? i : m->at[o][k];
            }
        }
}

/* What one phase says of an axis; false where it contradicts. */
static bool meet_by_phase(const struct axis *axis, const struct phase_axis *p, struct meetings *m)
{
    for (int64_t j = 0; j < p->outs; j++) {
        int64_t o = p->out0 + j * p->out_step;
        if (o < 0 || o >= axis->out)
            return false;
        m->outs[o]++;
        for (int64_t t = 0; t < p->taps; t++) {
            int64_t k = p->k0 + t * p->k_step, at = j * p->in_step + p->off0 + t * p->off_step;
            if (k < 0 || k >= axis->kernel)
                return false;
            m->seen[o][k]++;
            if (m->at[o][k] != (at < 0 || at >= axis->in ? OUTSIDE : at))
                return false;
        }
    }
    return p->outs >= 1 && p->taps >= 0 && p->off_step >= 1 && p->in_step >= 1 && p->out_step >= 1;
}

/* Every output is in one phase; a pair inside the input is met once, one outside at most once. */
static bool met_once(const struct axis *axis, const struct meetings *m)
{
    for (int64_t o = 0; o < axis->out; o++) {
        if (m->outs[o] != 1)
            return false;
        for (int64_t k = 0; k < axis->kernel; k++)
            if (m->seen[o][k] > 1 || (m->at[o][k] != OUTSIDE && m->seen[o][k] != 1))
                return false;
    }
    return true;
}

/* The phases of a convolution whose interesting axis is `a`: those of the other axes are all the same. */
static bool axis_is_right(const struct conv *conv, int a)
{
    static struct meetings m;
    memset(&m, 0, sizeof m);
    const struct axis *axis = &conv->axis[a];
    meet_by_definition(conv, axis, &m);
    int64_t phases = conv_phases(conv);
    struct phase first = conv_phase(conv, 0);
    for (int64_t i = 0; i < phases; i++) {
        struct phase phase = conv_phase(conv, i);
        const struct phase_axis *p = &phase.axis[a];
        if (p->in_step != first.axis[a].in_step || p->off_step != first.axis[a].off_step ||
            p->out_step != first.axis[a].out_step || !meet_by_phase(axis, p, &m))
            return false;
    }
    return met_once(axis, &m);
}

/* A descriptor of one axis from the digits of `code`. */
static cj_conv_desc numbered(cj_op op, int64_t code)
{
    int64_t digit[6];
    static const int64_t base[] = {6, 5, 6, 4, 4, 4};
    for (int i = 0; i < 6; i++, code /= base[i - 1])
        digit[i] = code % base[i];
    cj_conv_desc desc = {.op = op, .rank = 1, .in_channels = 2, .out_channels = 2};
    desc.input[0] = 1 + digit[0];
    desc.kernel[0] = 1 + digit[1];
    desc.stride[0] = 1 + digit[2];
    desc.dilation[0] = 1 + digit[3];
    desc.pad_lo[0] = digit[4];
    desc.pad_hi[0] = digit[5];
    if (op == CJ_CONV_TRANSPOSE)
        desc.output_padding[0] = digit[5] && digit[5] <= desc.stride[0] ? digit[5] - 1 : 0;
    return desc;
}

enum { CODES = 6 * 5 * 6 * 4 * 4 * 4 };

static void check_all(cj_op op)
{
    int correct = 0, wrong = 0;
    for (int64_t code = 0; code < CODES; code++) {
        cj_conv_desc desc = numbered(op, code);
        struct conv conv;
        if (conv_from_desc(&desc, &conv) != CJ_OK)
            continue;
        correct++;
        if (axis_is_right(&conv, AXIS_W))
            continue;
        char shape[300];
        cj_desc_print(&desc, 1, shape, sizeof shape);
        fprintf(stderr, "%s\n", shape);
        if (++wrong == 5)
            break;
    }
    assert_int_equal(wrong, 0);
    assert_true(correct > CODES / 2);
}

static void each_product_of_a_convolution_is_in_its_phase(void **state)
{
    (void)state;
    check_all(CJ_CONV);
}

static void each_product_of_a_transposed_convolution_is_in_one_phase(void **state)
{
    (void)state;
    check_all(CJ_CONV_TRANSPOSE);
}

/* Phases of several axes are every combination of theirs, each once. */
static void phases_of_three_axes_combine(void **state)
{
    (void)state;
    cj_conv_desc desc = {.op = CJ_CONV_TRANSPOSE,
                         .rank = 3,
                         .in_channels = 1,
                         .out_channels = 1,
                         .input = {4, 3, 5},
                         .kernel = {3, 4, 2},
                         .stride = {2, 3, 4},
                         .pad_lo = {1, 0, 1}};
    struct conv conv;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_int_equal(conv_phases(&conv), 2 * 3 * 4);
    int seen[2][3][4] = {{{0}}};
    for (int64_t i = 0; i < 2 * 3 * 4; i++) {
        struct phase phase = conv_phase(&conv, i);
        seen[phase.axis[0].out0][phase.axis[1].out0][phase.axis[2].out0]++;
    }
    for (int i = 0; i < 2 * 3 * 4; i++)
        assert_int_equal(seen[i / 12][i / 4 % 3][i % 4], 1);
}

static void an_ordinary_convolution_has_one_phase(void **state)
{
    (void)state;
    cj_conv_desc desc = {
        .in_channels = 3, .out_channels = 4, .input = {9, 9}, .kernel = {3, 3}, .stride = {2, 4}};
    struct conv conv;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_int_equal(conv_phases(&conv), 1);
    desc = (cj_conv_desc){
        .op = CJ_SEPARABLE, .in_channels = 3, .out_channels = 4, .input = {9, 9}, .kernel = {3, 3}};
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_int_equal(conv_phases(&conv), 1);
}

/* A stride that outruns the output must not be walked step by step. */
static void a_stride_of_any_size_is_taken(void **state)
{
    (void)state;
    for (int bits = 0; bits < 60; bits += 3) {
        cj_conv_desc desc = {.op = CJ_CONV_TRANSPOSE,
                             .rank = 1,
                             .in_channels = 1,
                             .out_channels = 1,
                             .input = {1},
                             .kernel = {5},
                             .stride = {((int64_t)1 << bits) + 1},
                             .dilation = {3}};
        struct conv conv;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        assert_true(axis_is_right(&conv, AXIS_W));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_product_of_a_convolution_is_in_its_phase),
        cmocka_unit_test(each_product_of_a_transposed_convolution_is_in_one_phase),
        cmocka_unit_test(phases_of_three_axes_combine),
        cmocka_unit_test(an_ordinary_convolution_has_one_phase),
        cmocka_unit_test(a_stride_of_any_size_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
