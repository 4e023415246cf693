/* Descriptors as text and back: random ones mean the same afterwards, and none writes or reads beside its
 * place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"
#include "support/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Numbers of every size that may stand in a post-op, infinity among them. */
static double pick_real(unsigned *s)
{
    double value =
        ldexp((double)random_next(s) + (double)random_next(s) * 0x1p-24, (int)(random_next(s) % 120) - 80);
    unsigned kind = random_next(s) % 8;
    return kind == 0 ? -INFINITY : kind == 1 ? -0.0 : kind < 5 ? -value : value;
}

static void pick_posts(cj_conv_desc *d, unsigned *s)
{
    int count = (int)(random_next(s) % (CJ_MAX_POST + 1)), scaled = 0, added = 0;
    for (int i = 0; i < count; i++) {
        cj_post *post = &d->post[i];
        post->kind = (cj_post_kind)(1 + random_next(s) % CJ_POST_CLAMP);
        if (post->kind == CJ_POST_RESIDUAL && added++)
            post->kind = CJ_POST_RELU;
        if (post->kind == CJ_POST_SCALE_SHIFT && scaled++)
            post->kind = CJ_POST_CLAMP;
        if (post->kind == CJ_POST_LEAKY_RELU || post->kind == CJ_POST_CLAMP)
            post->alpha = pick_real(s);
        if (post->kind == CJ_POST_CLAMP)
            post->beta = random_next(s) % 8 ? fmax(post->alpha, pick_real(s)) : INFINITY;
    }
}

static void pick_dimensions(cj_conv_desc *d, unsigned *s)
{
    for (int i = 0; i < d->rank; i++) {
        d->input[i] = 1 + random_next(s) % 40;
        d->kernel[i] = 1 + random_next(s) % 5;
        d->stride[i] = random_next(s) % 4;
        d->dilation[i] = random_next(s) % 4;
        d->pad_lo[i] = random_next(s) % 3;
        d->pad_hi[i] = random_next(s) % 2 ? d->pad_lo[i] : random_next(s) % 4;
        if (d->op == CJ_CONV_TRANSPOSE && random_next(s) % 2)
            d->output_padding[i] = random_next(s) % 3;
        if (d->op == CJ_CONV_TRANSPOSE && random_next(s) % 8 == 0)
            d->output_size[i] = 1 + random_next(s) % 90;
    }
    if (random_next(s) % 4)
        return;
    memset(d->pad_lo, 0, sizeof d->pad_lo);
    memset(d->pad_hi, 0, sizeof d->pad_hi);
    d->auto_pad = (cj_auto_pad)(1 + random_next(s) % 3);
}

static void pick_layout(cj_layout *layout, int64_t *block, unsigned *s)
{
    *layout = (cj_layout)RANDOM_PICK(s, CJ_NCHW, CJ_NHWC, CJ_NCHWC);
    *block = *layout == CJ_NCHWC ? RANDOM_PICK(s, 0, 2, 4, 8, 16, 32, 64) : 0;
}

static cj_conv_desc pick(unsigned *s)
{
    static const char *const algorithms[] = {"direct", "reference", "depthwise"};
    cj_conv_desc d = {.op = (cj_op)(random_next(s) % 3), .rank = (int)(random_next(s) % 4)};
    int64_t groups = 1 + random_next(s) % 4;
    d.groups = groups == 1 ? random_next(s) % 2 : groups;
    d.in_channels = groups * (1 + (random_next(s) % 3 ? random_next(s) % 9 : 0));
    d.out_channels = groups * (1 + random_next(s) % 9);
    d.multiplier = d.op == CJ_SEPARABLE ? random_next(s) % 4 : 0;
    int rank = d.rank;
    d.rank = rank ? rank : 2;
    pick_dimensions(&d, s);
    d.rank = rank;
    d.dtype = (cj_dtype)(random_next(s) % 2);
    d.pad_mode =
        random_next(s) % 3 || d.op == CJ_CONV_TRANSPOSE ? CJ_PAD_ZEROS : (cj_pad_mode)(random_next(s) % 4);
    pick_layout(&d.input_layout, &d.input_block, s);
    pick_layout(&d.output_layout, &d.output_block, s);
    d.bias = (int)(random_next(s) % 2);
    pick_posts(&d, s);
    d.accuracy = (cj_accuracy)(random_next(s) % 2);
    d.isa = (cj_isa)(random_next(s) % 4);
    d.algorithm = random_next(s) % 4 ? NULL : algorithms[random_next(s) % 3];
    return d;
}

/* Two descriptors that ask for the same kernel. */
static bool mean_the_same(const cj_conv_desc *a, const cj_conv_desc *b)
{
    struct conv left, right;
    bool named = a->algorithm && b->algorithm;
    return conv_from_desc(a, &left) == CJ_OK && conv_from_desc(b, &right) == CJ_OK &&
           memcmp(&left, &right, sizeof left) == 0 && a->isa == b->isa && !a->algorithm == !b->algorithm &&
           (!named || strcmp(a->algorithm, b->algorithm) == 0);
}

static void every_descriptor_comes_back(void **state)
{
    (void)state;
    unsigned s = 11;
    for (int valid = 0; valid < 20000;) {
        cj_conv_desc desc = pick(&s), back;
        struct conv conv;
        char text[512], again[512];
        int64_t batch = random_next(&s) % 5, batch_back = -1;
        if (conv_from_desc(&desc, &conv) != CJ_OK)
            continue;
        valid++;
        if (cj_desc_print(&desc, batch, text, sizeof text) != CJ_OK)
            fail_msg("%s: %s", text, cj_last_error());
        if (cj_desc_parse(text, &back, &batch_back) != CJ_OK)
            fail_msg("%s: %s", text, cj_last_error());
        if (batch_back != batch || !mean_the_same(&desc, &back))
            fail_msg("%s comes back as something else", text);
        assert_int_equal(cj_desc_print(&back, batch, again, sizeof again), CJ_OK);
        assert_string_equal(again, text);
    }
}

/* Without valid sizes there is no convolution, but there is a text: an error report may want it. */
static void what_cannot_be_is_still_printed(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 3, .out_channels = 5, .groups = 2, .input = {4, 4}, .kernel = {9, 9}},
                 back;
    int64_t batch;
    char text[200];
    assert_int_equal(cj_desc_print(&desc, 1, text, sizeof text), CJ_OK);
    assert_int_equal(cj_desc_parse(text, &back, &batch), CJ_OK);
    assert_int_equal(back.groups, 2);
    assert_int_equal(back.kernel[1], 9);
}

static void text_is_cut_where_it_does_not_fit(void **state)
{
    (void)state;
    cj_conv_desc desc;
    int64_t batch;
    char whole[300], part[300];
    assert_int_equal(cj_desc_parse("conv2d:n3:c8:o5:i9:k3:p1:lnhwc:post=clamp@0.1@6:b1", &desc, &batch), CJ_OK);
    assert_int_equal(cj_desc_print(&desc, batch, whole, sizeof whole), CJ_OK);
    size_t needed = strlen(whole) + 1;
    for (size_t size = 0; size < needed; size++) {
        memset(part, 'x', sizeof part);
        assert_int_equal(cj_desc_print(&desc, batch, part, size), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "size"));
        assert_int_equal(part[size], 'x');
        if (size) {
            assert_int_equal(strlen(part), size - 1);
            assert_memory_equal(part, whole, size - 1);
        }
    }
    assert_int_equal(cj_desc_print(&desc, batch, part, needed), CJ_OK);
    assert_string_equal(part, whole);
}

/* Enumerations from a caller's uninitialised memory must not become reads beside a table. */
static void descriptors_of_nonsense_are_refused(void **state)
{
    (void)state;
    const cj_conv_desc good = {.in_channels = 1, .out_channels = 1, .input = {3, 3}, .kernel = {1, 1}};
    static const int values[] = {-1, 1000, -2147483647 - 1, 2147483647};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int field = 0; field < 9; field++) {
            cj_conv_desc d = good;
            char text[300];
            int *const fields[] = {
                (int *)&d.op,       (int *)&d.rank,         (int *)&d.dtype,         (int *)&d.auto_pad,
                (int *)&d.pad_mode, (int *)&d.input_layout, (int *)&d.output_layout, (int *)&d.post[0].kind,
                (int *)&d.isa};
            *fields[field] = values[i];
            if (cj_desc_print(&d, 1, text, sizeof text) != CJ_INVALID)
                fail_msg("field %d with %d is printed as %s", field, values[i], text);
        }
    cj_conv_desc strided = good;
    char text[300];
    strided.output_layout = CJ_STRIDED;
    assert_int_equal(cj_desc_print(&strided, 1, text, sizeof text), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "STRIDED"));
    cj_conv_desc blocked = good;
    blocked.input_layout = CJ_NCHWC;
    blocked.input_block = 12;
    assert_int_equal(cj_desc_print(&blocked, 1, text, sizeof text), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "input_block is 12"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_descriptor_comes_back),
        cmocka_unit_test(what_cannot_be_is_still_printed),
        cmocka_unit_test(text_is_cut_where_it_does_not_fit),
        cmocka_unit_test(descriptors_of_nonsense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
