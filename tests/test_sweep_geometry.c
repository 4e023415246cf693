/* label: full */
/* Every awkward geometry of one dimension, with each operator and rank. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/oracle.h"
#include "support/sweep.h"

/* One dimension. Stride and dilation 0 are 1. */
struct row {
    int64_t input, kernel, stride, dilation, pad_lo, pad_hi;
};

static const struct row rows[] = {
    /* kernels of each length, outputs of even and odd ones */
    {5, 1, 1, 1, 0, 0},
    {9, 2, 1, 1, 0, 0},
    {9, 2, 1, 1, 1, 0},
    {9, 3, 1, 1, 1, 1},
    {10, 4, 1, 1, 1, 2},
    {9, 5, 1, 1, 2, 2},
    {11, 6, 1, 1, 3, 2},
    {9, 7, 1, 1, 3, 3},
    /* the kernel is the input, or more than it */
    {1, 1, 1, 1, 0, 0},
    {7, 7, 1, 1, 0, 0},
    {6, 6, 1, 1, 1, 1},
    {2, 5, 1, 1, 2, 2},
    {3, 7, 1, 1, 4, 0},
    {1, 3, 1, 1, 1, 1},
    {1, 4, 2, 1, 3, 3},
    /* whole windows lie in the padding */
    {4, 3, 1, 1, 5, 5},
    {4, 2, 2, 1, 3, 6},
    {3, 1, 1, 1, 2, 2},
    {3, 1, 2, 1, 1, 4},
    {2, 3, 3, 1, 9, 9},
    /* uneven padding */
    {9, 3, 1, 1, 0, 2},
    {9, 3, 1, 1, 2, 0},
    {9, 3, 2, 1, 2, 0},
    {10, 5, 2, 1, 0, 4},
    /* strides: beyond the kernel, beyond the input, with a rest */
    {9, 3, 2, 1, 1, 1},
    {10, 3, 3, 1, 0, 0},
    {11, 4, 3, 1, 1, 1},
    {11, 2, 3, 1, 0, 0},
    {13, 1, 4, 1, 0, 0},
    {17, 3, 5, 1, 1, 1},
    {5, 3, 9, 1, 1, 1},
    {12, 3, 12, 1, 0, 0},
    /* dilations: holes beyond the input, strides with and without a common factor */
    {13, 3, 1, 2, 2, 2},
    {17, 2, 1, 7, 0, 7},
    {4, 3, 1, 5, 5, 5},
    {16, 4, 3, 2, 3, 3},
    {16, 3, 2, 2, 2, 2},
    {19, 3, 4, 6, 6, 6},
    {15, 7, 2, 3, 9, 9},
    /* long ones */
    {67, 3, 1, 1, 1, 1},
    {65, 5, 2, 1, 2, 2},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const int64_t channels[][2] = {{3, 5}, {1, 1}, {7, 17}, {16, 1}, {1, 16}, {5, 19}, {8, 8}};

static void set_dimension(cj_conv_desc *d, int i, const struct row *row)
{
    d->input[i] = row->input;
    d->kernel[i] = row->kernel;
    d->stride[i] = row->stride;
    d->dilation[i] = row->dilation;
    d->pad_lo[i] = row->pad_lo;
    d->pad_hi[i] = row->pad_hi;
}

static void set_channels(cj_conv_desc *d, const struct sweep_op *op, int index)
{
    const int64_t *pair = channels[index % 7];
    d->in_channels = pair[0];
    d->out_channels = pair[1];
    if (op->depthwise) {
        d->in_channels = d->groups = pair[1];
        d->out_channels = pair[1] * (1 + index % 3);
    }
}

static cj_conv_desc base(const struct sweep_op *op, int rank, int index)
{
    cj_conv_desc d = {.op = op->op, .rank = rank, .bias = index % 2};
    set_channels(&d, op, index);
    d.input_layout = (cj_layout)(index % 2);
    d.output_layout = (cj_layout)(index % 3 == 0 ? !d.input_layout : d.input_layout);
    d.dtype = index % 4 == 1 ? CJ_F64 : CJ_F32;
    return d;
}

static void sweep_rank(struct sweep *sweep, const struct sweep_op *op, int rank)
{
    for (int index = 0; index < ROWS; index++) {
        cj_conv_desc d = base(op, rank, index);
        for (int i = 0; i < rank; i++)
            set_dimension(&d, i, &rows[(index + 17 * (rank - 1 - i)) % ROWS]);
        sweep_case(sweep, &d);
    }
}

static void each_row_in_each_rank(void **state)
{
    (void)state;
    struct sweep sweep = sweep_open("geometry");
    for (int i = 0; i < SWEEP_OPS; i++)
        for (int rank = 1; rank <= 3; rank++) {
            sweep.isas = rank == 1 ? SWEEP_EACH : SWEEP_BY_TURNS;
            sweep_rank(&sweep, &sweep_ops[i], rank);
        }
    assert_int_equal(sweep_close(&sweep), 0);
}

/* Padding that follows from the rest. */
static void automatic_padding(void **state)
{
    static const struct row shapes[] = {{10, 3, 1, 1, 0, 0}, {10, 4, 1, 1, 0, 0}, {10, 3, 2, 1, 0, 0},
                                        {11, 2, 3, 1, 0, 0}, {10, 4, 3, 2, 0, 0}, {5, 7, 1, 1, 0, 0}};
    (void)state;
    struct sweep sweep = sweep_open("automatic padding");
    for (int i = 0; i < SWEEP_OPS; i++)
        for (int shape = 0; shape < 6; shape++)
            for (int mode = CJ_PAD_SAME; mode <= CJ_PAD_VALID; mode++) {
                cj_conv_desc d = base(&sweep_ops[i], 1 + shape % 3, shape + mode);
                d.auto_pad = (cj_auto_pad)mode;
                for (int k = 0; k < d.rank; k++)
                    set_dimension(&d, k, &shapes[(shape + k) % 6]);
                sweep_case(&sweep, &d);
            }
    assert_int_equal(sweep_close(&sweep), 0);
}

/* The same size asked for in both ways. */
static void sweep_sizes(struct sweep *sweep, const struct row *row, int index, int64_t extra)
{
    cj_conv_desc d = base(&sweep_ops[2 + index % 2], 1 + index % 2, index + (int)extra);
    int64_t most = row->stride > row->dilation ? row->stride : row->dilation, out[3];
    for (int i = 0; i < d.rank; i++) {
        set_dimension(&d, i, row);
        d.output_padding[i] = i ? most - 1 - extra : extra;
    }
    sweep_case(sweep, &d);
    oracle_output_size(&d, out);
    for (int i = 0; i < d.rank; i++) {
        d.output_padding[i] = 0;
        d.output_size[i] = out[i];
    }
    sweep_case(sweep, &d);
}

/* Transposed: each size between the least and the most. */
static void output_padding_and_size(void **state)
{
    static const struct row shapes[] = {{5, 3, 2, 1, 1, 1}, {5, 2, 3, 1, 0, 0}, {4, 2, 4, 1, 0, 0},
                                        {6, 3, 1, 3, 0, 0}, {4, 3, 2, 4, 3, 3}, {3, 1, 3, 1, 0, 0}};
    (void)state;
    struct sweep sweep = sweep_open("output padding");
    for (int i = 0; i < 6; i++)
        for (int64_t extra = 0; extra < shapes[i].stride || extra < shapes[i].dilation; extra++)
            sweep_sizes(&sweep, &shapes[i], i, extra);
    assert_int_equal(sweep_close(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_in_each_rank),
        cmocka_unit_test(automatic_padding),
        cmocka_unit_test(output_padding_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
