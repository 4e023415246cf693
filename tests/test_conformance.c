/* label: full */
/* Random convolutions of every kind against the oracle, in guarded buffers: each operator, each algorithm that
 * takes it, each instruction set that this machine has. CONVJIT_TEST_CASES sets how many there are of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithms[] = {NULL, "direct", "planar", "depthwise", "separable", "reference"};
static const cj_isa isas[] = {CJ_ISA_HOST, CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};

#define PICK(state, ...) \
    check_pick(state, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / 8))

static int case_count(void)
{
    const char *text = getenv("CONVJIT_TEST_CASES");
    return text ? atoi(text) : 400;
}

static void pick_dimension(cj_conv_desc *d, int i, unsigned *s)
{
    int long_row = i == d->rank - 1 && d->rank < 3;
    d->input[i] = long_row ? 1 + check_random(s) % 40 : PICK(s, 1, 2, 3, 4, 5, 7, 8, 11, 13);
    d->kernel[i] = PICK(s, 1, 1, 2, 3, 3, 3, 4, 5, 7, long_row ? 11 : 3);
    d->stride[i] = PICK(s, 1, 1, 1, 2, 2, 3, 4, 5);
    d->dilation[i] = PICK(s, 1, 1, 1, 2, 3);
    d->pad_lo[i] = PICK(s, 0, 0, 1, 1, 2, 3, 9);
    d->pad_hi[i] = check_random(s) % 3 ? d->pad_lo[i] : PICK(s, 0, 1, 2, 5);
    if (d->op == CJ_CONV_TRANSPOSE && check_random(s) % 3 == 0)
        d->output_padding[i] = check_random(s) % 2;
}

static void pick_posts(cj_conv_desc *d, unsigned *s)
{
    static const int activations[] = {CJ_POST_RELU,    CJ_POST_RELU6,     CJ_POST_LEAKY_RELU,
                                      CJ_POST_SIGMOID, CJ_POST_TANH,      CJ_POST_SILU,
                                      CJ_POST_GELU,    CJ_POST_HARDSWISH, CJ_POST_CLAMP};
    int n = 0;
    d->bias = check_random(s) % 2;
    if (check_random(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_SCALE_SHIFT;
    if (check_random(s) % 4 == 0)
        d->post[n++].kind = CJ_POST_RESIDUAL;
    if (check_random(s) % 2 == 0) {
        d->post[n].kind = (cj_post_kind)activations[check_random(s) % 9];
        d->post[n].alpha = d->post[n].kind == CJ_POST_CLAMP ? -0.5 : 0.1;
        d->post[n].beta = 0.75;
    }
}

static void pick_channels(cj_conv_desc *d, unsigned *s, int depthwise)
{
    d->in_channels = PICK(s, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64);
    d->out_channels = PICK(s, 1, 2, 3, 5, 8, 13, 16, 17, 24, 31, 33, 48, 64);
    if (depthwise) {
        d->groups = d->in_channels;
        d->out_channels = d->in_channels * PICK(s, 1, 1, 2, 3);
    } else if (d->op != CJ_SEPARABLE && check_random(s) % 3 == 0) {
        int64_t groups = PICK(s, 2, 3, 4, 5);
        d->groups = groups;
        d->in_channels = groups * PICK(s, 1, 2, 3, 4, 8);
        d->out_channels = groups * PICK(s, 1, 2, 3, 4, 8, 17);
    }
    if (d->op == CJ_SEPARABLE)
        d->multiplier = PICK(s, 0, 1, 2, 3);
}

static cj_conv_desc pick(cj_op op, int depthwise, unsigned *s)
{
    cj_conv_desc d = {.op = op, .rank = 1 + (int)(check_random(s) % 3)};
    pick_channels(&d, s, depthwise);
    for (int i = 0; i < d.rank; i++)
        pick_dimension(&d, i, s);
    d.input_layout = (cj_layout)(check_random(s) % 2);
    d.output_layout = (cj_layout)(check_random(s) % 2);
    d.dtype = check_random(s) % 4 == 0 ? CJ_F64 : CJ_F32;
    if (op != CJ_CONV_TRANSPOSE && check_random(s) % 4 == 0)
        d.pad_mode = (cj_pad_mode)(1 + check_random(s) % 3);
    if (check_random(s) % 5 == 0) {
        memset(d.pad_lo, 0, sizeof d.pad_lo);
        memset(d.pad_hi, 0, sizeof d.pad_hi);
        d.auto_pad = (cj_auto_pad)(1 + check_random(s) % 3);
    }
    pick_posts(&d, s);
    d.algorithm = algorithms[check_random(s) % 6];
    d.isa = isas[check_random(s) % 4];
    return d;
}

/* `count` valid cases; what the descriptor's rules or an algorithm refuse does not count. */
static void sweep(cj_op op, int depthwise, unsigned seed)
{
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    int wrong = 0, checked = 0, count = case_count();
    for (unsigned s = seed; checked < count;) {
        cj_conv_desc d = pick(op, depthwise, &s);
        int64_t out[3];
        if (cj_output_size(&d, out) != CJ_OK)
            continue;
        enum check_result result = check_case(context, &d, PICK(&s, 0, 1, 1, 1, 2, 5), s);
        checked += result != CHECK_DECLINED;
        wrong += result == CHECK_DIFFERENT;
        if (wrong > 20)
            break;
    }
    cj_context_destroy(context);
    assert_int_equal(wrong, 0);
}

static void dense(void **state)
{
    (void)state;
    sweep(CJ_CONV, 0, 1);
}

static void depthwise(void **state)
{
    (void)state;
    sweep(CJ_CONV, 1, 2);
}

static void transposed(void **state)
{
    (void)state;
    sweep(CJ_CONV_TRANSPOSE, 0, 3);
}

static void transposed_depthwise(void **state)
{
    (void)state;
    sweep(CJ_CONV_TRANSPOSE, 1, 4);
}

static void separable(void **state)
{
    (void)state;
    sweep(CJ_SEPARABLE, 0, 5);
}

/* SHAPEs that once failed, and awkward ones that random numbers seldom hit. */
static void regressions(void **state)
{
    (void)state;
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    FILE *file = fopen(TEST_SOURCE_DIR "/shapes/regressions.txt", "r");
    assert_non_null(file);
    char line[400];
    int wrong = 0, lines = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#')
            continue;
        lines++;
        wrong += check_shape(context, line, (unsigned)lines) == CHECK_DIFFERENT;
    }
    fclose(file);
    cj_context_destroy(context);
    assert_true(lines > 0);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense),      cmocka_unit_test(depthwise),
        cmocka_unit_test(transposed), cmocka_unit_test(transposed_depthwise),
        cmocka_unit_test(separable),  cmocka_unit_test(regressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
