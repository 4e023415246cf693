/* label: full */
/* Every remainder around the lanes of each instruction set: channels and columns from 1 to past two vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/sweep.h"

/* An instruction set and type with the lanes of its vectors. */
static const struct kind {
    cj_isa isa;
    cj_dtype dtype;
    int lanes;
} kinds[] = {
    {CJ_ISA_SSE2, CJ_F32, 4}, {CJ_ISA_AVX2, CJ_F32, 8}, {CJ_ISA_AVX512, CJ_F32, 16},
    {CJ_ISA_SSE2, CJ_F64, 2}, {CJ_ISA_AVX2, CJ_F64, 4}, {CJ_ISA_AVX512, CJ_F64, 8},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A 2-D convolution with one size left open. */
typedef cj_conv_desc with_size(int64_t n);

static cj_conv_desc out_channels(int64_t n)
{
    return (cj_conv_desc){.in_channels = 3, .out_channels = n, .input = {3, 5}, .kernel = {2, 3}, .bias = 1};
}

static cj_conv_desc in_channels(int64_t n)
{
    return (cj_conv_desc){.in_channels = n, .out_channels = 5, .input = {2, 4}, .kernel = {1, 3}};
}

static cj_conv_desc columns(int64_t n)
{
    return (cj_conv_desc){.in_channels = 2,
                          .out_channels = 3,
                          .input = {3, n},
                          .kernel = {3, 3},
                          .pad_lo = {1, 1},
                          .pad_hi = {1, 1}};
}

static cj_conv_desc strided_columns(int64_t n)
{
    return (cj_conv_desc){
        .in_channels = 2, .out_channels = 2, .input = {2, 2 * n + 1}, .kernel = {1, 3}, .stride = {1, 2}};
}

static cj_conv_desc pointwise(int64_t n)
{
    return (cj_conv_desc){.in_channels = 5, .out_channels = n, .input = {2, 7}, .kernel = {1, 1}};
}

static cj_conv_desc depthwise(int64_t n)
{
    return (cj_conv_desc){.in_channels = n,
                          .out_channels = n,
                          .groups = n,
                          .input = {4, 5},
                          .kernel = {3, 3},
                          .pad_lo = {1, 1},
                          .pad_hi = {1, 1},
                          .post = {{.kind = CJ_POST_SCALE_SHIFT}, {.kind = CJ_POST_RESIDUAL}}};
}

static cj_conv_desc multiplied(int64_t n)
{
    return (cj_conv_desc){
        .in_channels = n, .out_channels = 3 * n, .groups = n, .input = {3, 4}, .kernel = {2, 2}};
}

static cj_conv_desc transposed(int64_t n)
{
    return (cj_conv_desc){.op = CJ_CONV_TRANSPOSE,
                          .in_channels = 3,
                          .out_channels = n,
                          .input = {2, 3},
                          .kernel = {3, 3},
                          .stride = {2, 2},
                          .pad_lo = {1, 1},
                          .pad_hi = {1, 1},
                          .bias = 1};
}

static cj_conv_desc transposed_columns(int64_t n)
{
    return (cj_conv_desc){.op = CJ_CONV_TRANSPOSE,
                          .in_channels = 2,
                          .out_channels = 3,
                          .input = {2, n},
                          .kernel = {2, 4},
                          .stride = {1, 2},
                          .pad_lo = {0, 1},
                          .pad_hi = {0, 1}};
}

static cj_conv_desc separable(int64_t n)
{
    return (cj_conv_desc){.op = CJ_SEPARABLE,
                          .in_channels = n,
                          .out_channels = 5,
                          .input = {3, 5},
                          .kernel = {3, 3},
                          .pad_lo = {1, 1},
                          .pad_hi = {1, 1}};
}

static cj_conv_desc separable_out(int64_t n)
{
    return (cj_conv_desc){.op = CJ_SEPARABLE,
                          .in_channels = 5,
                          .out_channels = n,
                          .multiplier = 2,
                          .input = {3, 5},
                          .kernel = {3, 2}};
}

/* Sizes of one kind around its lanes. Layouts take turns, in another order for the next kind. */
static void sweep_sizes(struct sweep *sweep, with_size *make, int kind)
{
    for (int n = 1; n <= 2 * kinds[kind].lanes + 1; n++) {
        cj_conv_desc d = make(n);
        d.isa = kinds[kind].isa;
        d.dtype = kinds[kind].dtype;
        d.input_layout = (cj_layout)((n + kind) % 2);
        d.output_layout = (cj_layout)(n % 5 == 0 ? !d.input_layout : d.input_layout);
        sweep_case(sweep, &d);
    }
}

static void sweep_all(with_size *const *forms, int count, const char *name)
{
    struct sweep sweep = sweep_open(name);
    for (int i = 0; i < count; i++)
        for (int kind = 0; kind < KINDS; kind++)
            sweep_sizes(&sweep, forms[i], kind);
    assert_int_equal(sweep_close(&sweep), 0);
}

static void channels(void **state)
{
    (void)state;
    static with_size *const forms[] = {out_channels, in_channels, pointwise};
    sweep_all(forms, 3, "channels");
}

static void rows_of_columns(void **state)
{
    (void)state;
    static with_size *const forms[] = {columns, strided_columns, transposed_columns};
    sweep_all(forms, 3, "columns");
}

static void depthwise_channels(void **state)
{
    (void)state;
    static with_size *const forms[] = {depthwise, multiplied};
    sweep_all(forms, 2, "depthwise channels");
}

static void transposed_channels(void **state)
{
    (void)state;
    static with_size *const forms[] = {transposed};
    sweep_all(forms, 1, "transposed channels");
}

static void separable_channels(void **state)
{
    (void)state;
    static with_size *const forms[] = {separable, separable_out};
    sweep_all(forms, 2, "separable channels");
}

/* Groups of every small size, with layouts of both kinds. */
static void grouped_channels(void **state)
{
    static const int64_t sizes[][3] = {{2, 1, 1}, {2, 3, 5},   {3, 1, 4},  {4, 4, 4}, {5, 13, 13}, {7, 2, 1},
                                       {3, 5, 9}, {2, 16, 16}, {2, 17, 8}, {8, 8, 2}, {32, 4, 4},  {3, 1, 33}};
    (void)state;
    struct sweep sweep = sweep_open("groups");
    for (int i = 0; i < 12; i++)
        for (int form = 0; form < 8; form++) {
            cj_conv_desc d = form % 2 ? transposed(1) : columns(6);
            d.groups = sizes[i][0];
            d.in_channels = sizes[i][0] * sizes[i][1];
            d.out_channels = sizes[i][0] * sizes[i][2];
            d.input_layout = (cj_layout)(form / 2 % 2);
            d.output_layout = (cj_layout)(form / 4 % 2);
            sweep_case(&sweep, &d);
        }
    assert_int_equal(sweep_close(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels),           cmocka_unit_test(rows_of_columns),
        cmocka_unit_test(depthwise_channels), cmocka_unit_test(transposed_channels),
        cmocka_unit_test(separable_channels), cmocka_unit_test(grouped_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
