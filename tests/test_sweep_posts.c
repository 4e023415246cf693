/* label: full */
/* Every chain of post-ops and every mode of padding at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/sweep.h"

#include <string.h>

#define LEAKY                        \
    {                                \
        CJ_POST_LEAKY_RELU, 0.125, 0 \
    }
#define CLAMP                     \
    {                             \
        CJ_POST_CLAMP, -0.5, 0.75 \
    }
#define ONE(kind)  \
    {              \
        kind, 0, 0 \
    }

static const struct chain {
    int bias;
    cj_post post[CJ_MAX_POST];
} chains[] = {
    {1, {{CJ_POST_NONE, 0, 0}}},
    {0, {ONE(CJ_POST_RESIDUAL)}},
    {0, {ONE(CJ_POST_SCALE_SHIFT)}},
    {0, {ONE(CJ_POST_RELU)}},
    {0, {ONE(CJ_POST_RELU6)}},
    {0, {LEAKY}},
    {0, {{CJ_POST_LEAKY_RELU, -2, 0}}},
    {0, {ONE(CJ_POST_SIGMOID)}},
    {0, {ONE(CJ_POST_TANH)}},
    {0, {ONE(CJ_POST_SILU)}},
    {0, {ONE(CJ_POST_GELU)}},
    {0, {ONE(CJ_POST_HARDSWISH)}},
    {0, {CLAMP}},
    {0, {{CJ_POST_CLAMP, 1, 1}}},
    {1, {ONE(CJ_POST_RESIDUAL), ONE(CJ_POST_RELU)}},
    {1, {ONE(CJ_POST_SCALE_SHIFT), ONE(CJ_POST_RELU), ONE(CJ_POST_RESIDUAL)}},
    {0, {ONE(CJ_POST_RELU), ONE(CJ_POST_RESIDUAL), ONE(CJ_POST_SCALE_SHIFT)}},
    {1, {ONE(CJ_POST_SILU), ONE(CJ_POST_RESIDUAL), LEAKY, ONE(CJ_POST_SCALE_SHIFT), ONE(CJ_POST_TANH), CLAMP}},
    {1,
     {ONE(CJ_POST_SCALE_SHIFT), ONE(CJ_POST_GELU), ONE(CJ_POST_RELU6), ONE(CJ_POST_RESIDUAL),
      ONE(CJ_POST_HARDSWISH), ONE(CJ_POST_SIGMOID)}},
    {0, {ONE(CJ_POST_TANH), ONE(CJ_POST_TANH), ONE(CJ_POST_RELU), LEAKY, CLAMP, ONE(CJ_POST_SIGMOID)}},
};
enum { CHAINS = sizeof chains / sizeof *chains };

static cj_conv_desc base(const struct sweep_op *op, int turn)
{
    cj_conv_desc d = {.op = op->op,
                      .rank = 2,
                      .in_channels = 3,
                      .out_channels = turn % 2 ? 19 : 5,
                      .input = {4, turn % 2 ? 5 : 19},
                      .kernel = {3, 2},
                      .pad_lo = {1, 0},
                      .pad_hi = {1, 1}};
    if (op->depthwise)
        d.groups = d.in_channels = d.out_channels;
    d.input_layout = d.output_layout = (cj_layout)(turn % 2);
    return d;
}

/* The weights are such that activations saturate in some elements and not in others. */
static void each_chain_with_each_operator(void **state)
{
    (void)state;
    struct sweep sweep = sweep_open("post-ops");
    sweep.weight_scale = 8;
    for (int op = 0; op < SWEEP_OPS; op++)
        for (int i = 0; i < CHAINS; i++) {
            cj_conv_desc d = base(&sweep_ops[op], i + op);
            d.bias = chains[i].bias;
            memcpy(d.post, chains[i].post, sizeof d.post);
            d.dtype = (cj_dtype)((i + op) / 2 % 2);
            sweep_case(&sweep, &d);
        }
    assert_int_equal(sweep_close(&sweep), 0);
}

static void each_chain_in_each_type(void **state)
{
    (void)state;
    struct sweep sweep = sweep_open("post-ops by type");
    sweep.weight_scale = 8;
    sweep.isas = SWEEP_EACH;
    for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++)
        for (int i = 0; i < CHAINS; i++) {
            cj_conv_desc d = base(&sweep_ops[0], i);
            d.bias = chains[i].bias;
            memcpy(d.post, chains[i].post, sizeof d.post);
            d.dtype = (cj_dtype)dtype;
            sweep_case(&sweep, &d);
        }
    assert_int_equal(sweep_close(&sweep), 0);
}

/* One dimension: input, kernel, stride, dilation, padding. */
struct row {
    int64_t input, kernel, stride, dilation, pad_lo, pad_hi;
};

/* The most padding that a mode takes; replicate takes any. */
static const struct limits {
    cj_pad_mode mode;
    struct row rows[7];
} limits[] = {
    {CJ_PAD_REFLECT,
     {{5, 3, 1, 1, 4, 4},
      {2, 3, 1, 1, 1, 1},
      {6, 2, 1, 1, 5, 0},
      {7, 3, 2, 1, 1, 6},
      {4, 3, 1, 3, 3, 3},
      {20, 5, 1, 1, 2, 2},
      {5, 5, 3, 1, 4, 2}}},
    {CJ_PAD_REPLICATE,
     {{5, 3, 1, 1, 9, 9},
      {1, 3, 1, 1, 4, 4},
      {6, 2, 1, 1, 5, 0},
      {7, 3, 2, 1, 1, 8},
      {2, 3, 1, 5, 6, 6},
      {20, 5, 1, 1, 2, 2},
      {3, 1, 2, 1, 5, 5}}},
    {CJ_PAD_CIRCULAR,
     {{5, 3, 1, 1, 5, 5},
      {1, 3, 1, 1, 1, 1},
      {6, 2, 1, 1, 6, 0},
      {7, 3, 2, 1, 1, 7},
      {4, 3, 1, 3, 4, 4},
      {20, 5, 1, 1, 2, 2},
      {3, 5, 3, 1, 3, 2}}},
};

static void sweep_mode(struct sweep *sweep, const struct limits *mode, int op, int rank)
{
    for (int i = 0; i < 7; i++) {
        cj_conv_desc d = base(&sweep_ops[op], i + rank + op);
        d.rank = rank;
        d.pad_mode = mode->mode;
        for (int k = 0; k < rank; k++) {
            const struct row *row = &mode->rows[(i + 3 * (rank - 1 - k)) % 7];
            d.input[k] = row->input;
            d.kernel[k] = row->kernel;
            d.stride[k] = row->stride;
            d.dilation[k] = row->dilation;
            d.pad_lo[k] = row->pad_lo;
            d.pad_hi[k] = row->pad_hi;
        }
        for (int k = rank; k < 3; k++)
            d.input[k] = d.kernel[k] = d.pad_lo[k] = d.pad_hi[k] = 0;
        sweep_case(sweep, &d);
    }
}

static void padding_modes(void **state)
{
    static const int forward[] = {0, 1, 4};
    (void)state;
    struct sweep sweep = sweep_open("padding modes");
    for (int mode = 0; mode < 3; mode++)
        for (int op = 0; op < 3; op++)
            for (int rank = 1; rank <= 3; rank++)
                sweep_mode(&sweep, &limits[mode], forward[op], rank);
    assert_int_equal(sweep_close(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chain_with_each_operator),
        cmocka_unit_test(each_chain_in_each_type),
        cmocka_unit_test(padding_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
