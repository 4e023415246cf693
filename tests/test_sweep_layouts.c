/* label: full */
/* Every kind of input layout with every kind of output layout: dense, in blocks of channels, with gaps,
 * permuted, broadcast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/layout.h"
#include "support/sweep.h"

#include <string.h>

enum { N, C, D, H, W };

/* Strides by the order of dimensions from the innermost out, with a gap behind each. In 2-D the third spatial
 * dimension has one element; in 1-D the last two. A dimension in `still` has stride 0. */
struct form {
    int order[5], gap[5];
    unsigned still; /* bits of dimensions */
};

static const struct form dense_forms[] = {
    {{W, H, D, C, N}, {0, 1, 2, 3, 5}, 0}, /* rows, planes and images with gaps */
    {{W, H, D, C, N}, {1, 0, 0, 0, 0}, 0}, /* every second element */
    {{C, W, H, D, N}, {3, 0, 0, 0, 7}, 0}, /* some channels of a wider tensor */
    {{C, W, H, D, N}, {1, 2, 1, 0, 0}, 0}, /* every second channel */
    {{H, W, D, C, N}, {0, 0, 0, 0, 0}, 0}, /* columns first */
    {{D, C, W, H, N}, {0, 1, 0, 4, 0}, 0}, /* channels between */
    {{N, C, W, H, D}, {0, 0, 0, 0, 0}, 0}, /* images innermost */
    {{W, C, H, D, N}, {2, 0, 0, 1, 0}, 0}, /* rows of channels */
};
static const struct form broadcast_forms[] = {
    {{W, H, D, C, N}, {0, 0, 0, 0, 0}, 1u << N},
    {{W, H, D, C, N}, {0, 0, 0, 0, 0}, 1u << C},
    {{C, W, H, D, N}, {0, 0, 0, 0, 0}, 1u << D | 1u << C}, /* D is the first spatial dimension */
    {{C, W, H, D, N}, {1, 0, 0, 0, 0}, 1u << H},
    {{C, W, H, D, N}, {0, 0, 0, 0, 0}, 1u << W},
    {{C, W, H, D, N}, {0, 0, 0, 0, 0}, 31},
};
enum { NAMED = 4, DENSE = 8, BROADCAST = 6, INPUTS = NAMED + DENSE + BROADCAST, OUTPUTS = NAMED + DENSE };

/* Layouts without strides. */
static const struct {
    cj_layout layout;
    int64_t block;
} named[NAMED] = {{CJ_NCHW, 0}, {CJ_NHWC, 0}, {CJ_NCHWC, 0}, {CJ_NCHWC, 4}};

/* Strides for `layout`, which has its sizes. The form of a gap is: elements, times what lies within. */
static void set_strides(const struct form *form, const struct layout *layout, int rank, int64_t strides[5])
{
    int64_t step = 1;
    memset(strides, 0, 5 * sizeof *strides);
    for (int i = 0; i < 5; i++) {
        int dimension = form->order[i];
        if (dimension >= 2 + rank)
            continue;
        int64_t size = dimension == N ? 3 : layout->size[dimension];
        step *= i == 0 ? 1 + form->gap[0] : 1;
        strides[dimension] = form->still & 1u << dimension ? 0 : step;
        step = step * size + (i ? form->gap[i] : 0);
    }
}

static void set_input(cj_conv_desc *d, int kind)
{
    struct layout layout = layout_input(d, 1);
    d->input_layout = kind < NAMED ? named[kind].layout : CJ_STRIDED;
    d->input_block = kind < NAMED ? named[kind].block : 0;
    if (kind < NAMED)
        return;
    int form = kind - NAMED;
    set_strides(form < DENSE ? &dense_forms[form] : &broadcast_forms[form - DENSE], &layout, d->rank,
                d->input_strides);
}

static void set_output(cj_conv_desc *d, int kind)
{
    struct layout layout = layout_output(d, 1);
    d->output_layout = kind < NAMED ? named[kind].layout : CJ_STRIDED;
    d->output_block = kind < NAMED ? named[kind].block : 0;
    if (kind >= NAMED)
        set_strides(&dense_forms[kind - NAMED], &layout, d->rank, d->output_strides);
}

/* Longer than a vector along channels or along rows, by turns. */
static cj_conv_desc base(const struct sweep_op *op, int rank, int turn)
{
    cj_conv_desc d = {.op = op->op, .rank = rank, .in_channels = turn % 2 ? 17 : 3, .out_channels = 5};
    if (op->depthwise) {
        d.groups = d.in_channels;
        d.out_channels = d.in_channels * (1 + turn % 2);
    }
    for (int i = 0; i < rank; i++) {
        d.input[i] = i == rank - 1 && turn % 2 == 0 ? 19 : 4;
        d.kernel[i] = turn % 3 ? 3 : 1;
        d.stride[i] = 1 + (turn / 3 + i) % 2;
        d.pad_lo[i] = d.kernel[i] / 2;
        d.pad_hi[i] = turn / 2 % 2 * d.pad_lo[i];
    }
    d.dtype = turn % 5 == 0 ? CJ_F64 : CJ_F32;
    if (turn % 4 == 0)
        d.post[0].kind = CJ_POST_RESIDUAL;
    return d;
}

static void sweep_pair(struct sweep *sweep, int op, int rank, int pair)
{
    cj_conv_desc d = base(&sweep_ops[op], rank, pair + pair / OUTPUTS + op);
    set_input(&d, pair / OUTPUTS);
    set_output(&d, pair % OUTPUTS);
    sweep_case(sweep, &d);
}

static void each_input_with_each_output(void **state)
{
    (void)state;
    struct sweep sweep = sweep_open("layouts, 2-D");
    for (int op = 0; op < SWEEP_OPS; op++)
        for (int pair = op % 2; pair < INPUTS * OUTPUTS; pair += 2)
            sweep_pair(&sweep, op, 2, pair);
    assert_int_equal(sweep_close(&sweep), 0);
}

static void other_ranks(void **state)
{
    (void)state;
    struct sweep sweep = sweep_open("layouts, 1-D and 3-D");
    for (int op = 0; op < SWEEP_OPS; op++)
        for (int pair = op; pair < INPUTS * OUTPUTS; pair += 7)
            sweep_pair(&sweep, op, pair % 2 ? 1 : 3, pair);
    assert_int_equal(sweep_close(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_with_each_output),
        cmocka_unit_test(other_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
