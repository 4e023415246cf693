/* SHAPE strings read: against descriptors written by hand, errors that name part and value, and text that means
 * harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/random.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    int64_t batch;
    cj_conv_desc desc;
} meanings[] = {
    {"conv2d:n1:c64:o64:i56x56:k3x3:s1:p1:d1:g1",
     1,
     {.rank = 2,
      .in_channels = 64,
      .out_channels = 64,
      .groups = 1,
      .input = {56, 56},
      .kernel = {3, 3},
      .stride = {1, 1},
      .dilation = {1, 1},
      .pad_lo = {1, 1},
      .pad_hi = {1, 1}}},
    /* What is left out takes its default; one number stands for every dimension. */
    {"conv3d:c2:o3:i5:k1x2x3",
     1,
     {.rank = 3, .in_channels = 2, .out_channels = 3, .input = {5, 5, 5}, .kernel = {1, 2, 3}}},
    {"conv1d:k7:i9:o1:c1:n0", 0, {.rank = 1, .in_channels = 1, .out_channels = 1, .input = {9}, .kernel = {7}}},
    {"conv2d:c1:o1:i9:k3:p1~2x0~1:d2x1:s1x3",
     1,
     {.rank = 2,
      .in_channels = 1,
      .out_channels = 1,
      .input = {9, 9},
      .kernel = {3, 3},
      .stride = {1, 3},
      .dilation = {2, 1},
      .pad_lo = {1, 0},
      .pad_hi = {2, 1}}},
    {"conv2d:c1:o1:i9:k3:p1~2",
     1,
     {.rank = 2,
      .in_channels = 1,
      .out_channels = 1,
      .input = {9, 9},
      .kernel = {3, 3},
      .pad_lo = {1, 1},
      .pad_hi = {2, 2}}},
    {"conv_transpose2d:n2:c4:o6:g2:i5x6:k3:s2:p1:op1x0",
     2,
     {.op = CJ_CONV_TRANSPOSE,
      .rank = 2,
      .in_channels = 4,
      .out_channels = 6,
      .groups = 2,
      .input = {5, 6},
      .kernel = {3, 3},
      .stride = {2, 2},
      .pad_lo = {1, 1},
      .pad_hi = {1, 1},
      .output_padding = {1, 0}}},
    {"conv_transpose1d:c4:o6:i5:k3:s2:os12",
     1,
     {.op = CJ_CONV_TRANSPOSE,
      .rank = 1,
      .in_channels = 4,
      .out_channels = 6,
      .input = {5},
      .kernel = {3},
      .stride = {2},
      .output_size = {12}}},
    {"depthwise_conv2d:c8:i9:k3",
     1,
     {.rank = 2, .in_channels = 8, .out_channels = 8, .groups = 8, .input = {9, 9}, .kernel = {3, 3}}},
    {"depthwise_conv2d:c8:m3:i9:k3",
     1,
     {.rank = 2, .in_channels = 8, .out_channels = 24, .groups = 8, .input = {9, 9}, .kernel = {3, 3}}},
    {"depthwise_conv1d:c8:o16:i9:k3",
     1,
     {.rank = 1, .in_channels = 8, .out_channels = 16, .groups = 8, .input = {9}, .kernel = {3}}},
    {"separable_conv1d:c8:o5:m2:i9:k3:psame_lower",
     1,
     {.op = CJ_SEPARABLE,
      .rank = 1,
      .in_channels = 8,
      .out_channels = 5,
      .multiplier = 2,
      .input = {9},
      .kernel = {3},
      .auto_pad = CJ_PAD_SAME_LOWER}},
    {"conv2d:c8:o5:i9:k3:pvalid:lnhwc:tf64:b1:acc=strict:isa=avx2:pmreflect",
     1,
     {.rank = 2,
      .dtype = CJ_F64,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .auto_pad = CJ_PAD_VALID,
      .pad_mode = CJ_PAD_REFLECT,
      .input_layout = CJ_NHWC,
      .output_layout = CJ_NHWC,
      .bias = 1,
      .accuracy = CJ_STRICT,
      .isa = CJ_ISA_AVX2}},
    {"conv2d:c8:o5:i9:k3:psame:linhwc:lonchw:pmcircular:isa=sse2",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .auto_pad = CJ_PAD_SAME,
      .pad_mode = CJ_PAD_CIRCULAR,
      .input_layout = CJ_NHWC,
      .isa = CJ_ISA_SSE2}},
    {"conv2d:c8:o5:i9:k3:lnchwc",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .input_layout = CJ_NCHWC,
      .output_layout = CJ_NCHWC}},
    {"conv2d:c8:o5:i9:k3:lnchw16c",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .input_layout = CJ_NCHWC,
      .output_layout = CJ_NCHWC,
      .input_block = 16,
      .output_block = 16}},
    {"conv2d:c8:o5:i9:k3:lonchw4c:linchw2c",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .input_layout = CJ_NCHWC,
      .output_layout = CJ_NCHWC,
      .input_block = 2,
      .output_block = 4}},
    {"conv2d:c8:o5:i9:k3:linhwc:lonchw64c",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .input_layout = CJ_NHWC,
      .output_layout = CJ_NCHWC,
      .output_block = 64}},
    {"conv2d:c8:o5:i9:k3:post=scale_shift+residual+leaky_relu@0.25+clamp@-1.5@6:b0",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 5,
      .input = {9, 9},
      .kernel = {3, 3},
      .post = {{.kind = CJ_POST_SCALE_SHIFT},
               {.kind = CJ_POST_RESIDUAL},
               {.kind = CJ_POST_LEAKY_RELU, .alpha = 0.25},
               {.kind = CJ_POST_CLAMP, .alpha = -1.5, .beta = 6}}}},
};

static void strings_mean_what_the_grammar_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        cj_conv_desc desc;
        int64_t batch = -1;
        if (cj_desc_parse(meanings[i].text, &desc, &batch) != CJ_OK)
            fail_msg("%s: %s", meanings[i].text, cj_last_error());
        if (batch != meanings[i].batch || memcmp(&desc, &meanings[i].desc, sizeof desc) != 0)
            fail_msg("%s is read as something else", meanings[i].text);
    }
}

/* Each activation by its name. */
static void every_post_op_has_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        cj_post_kind kind;
    } names[] = {
        {"residual", CJ_POST_RESIDUAL},
        {"scale_shift", CJ_POST_SCALE_SHIFT},
        {"relu", CJ_POST_RELU},
        {"relu6", CJ_POST_RELU6},
        {"leaky_relu@1", CJ_POST_LEAKY_RELU},
        {"sigmoid", CJ_POST_SIGMOID},
        {"tanh", CJ_POST_TANH},
        {"silu", CJ_POST_SILU},
        {"gelu", CJ_POST_GELU},
        {"hardswish", CJ_POST_HARDSWISH},
        {"clamp@0@1", CJ_POST_CLAMP},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cj_conv_desc desc;
        int64_t batch;
        char text[100];
        snprintf(text, sizeof text, "conv1d:c1:o1:i3:k1:post=%s", names[i].name);
        assert_int_equal(cj_desc_parse(text, &desc, &batch), CJ_OK);
        assert_int_equal(desc.post[0].kind, names[i].kind);
        assert_int_equal(desc.post[1].kind, CJ_POST_NONE);
    }
}

/* ---- Errors ---- */

static const struct {
    const char *text, *named;
} wrong[] = {
    {"", "operator"},
    {":c1", "operator"},
    {"conv:c1:o1:i3:k1", "\"conv\""},
    {"conv4d:c1:o1:i3:k1", "\"conv4d\""},
    {"conv0d:c1:o1:i3:k1", "\"conv0d\""},
    {"Conv2d:c1:o1:i3:k1", "\"Conv2d\""},
    {"conv2dx:c1", "\"conv2dx\""},
    {"depthwise2d:c1", "\"depthwise2d\""},
    {"conv2d", "lacks"},
    {"conv2d:o1:i3:k1", "lacks"},
    {"conv2d:c1:i3:k1", "lacks"},
    {"conv2d:c1:o1:k1", "lacks"},
    {"conv2d:c1:o1:i3", "lacks"},
    {"depthwise_conv2d:c1:i3", "lacks"},
    {"conv2d:c1:o1:i3:k1:z9", "\"z9\""},
    {"conv2d:c1:o1:i3:k1:", "part"},
    {"conv2d:c1::o1:i3:k1", "part"},
    {"conv2d:c1:o1:i3:k1:c2", "\"c2\""},
    {"conv2d:c1:o1:i3:k1:n-1", "\"n-1\""},
    {"conv2d:c:o1:i3:k1", "\"c\""},
    {"conv2d:c1.5:o1:i3:k1", "\"c1.5\""},
    {"conv2d:c99999999999999999999:o1:i3:k1", "\"c99999999999999999999\""},
    {"conv2d:c1:oX:i3:k1", "\"oX\""},
    {"conv2d:c1:o1:i3x3x3:k1", "\"i3x3x3\""},
    {"conv2d:c1:o1:i3x:k1", "\"i3x\""},
    {"conv1d:c1:o1:i3x:k1", "\"i3x\""},
    {"conv2d:c1:o1:i3x3x:k1", "\"i3x3x\""},
    {"conv2d:c1:o1:i3:kx1", "\"kx1\""},
    {"conv3d:c1:o1:i3:k1x1", "\"k1x1\""},
    {"conv2d:c1:o1:i3:k1:s1,1", "\"s1,1\""},
    {"conv2d:c1:o1:i3:k1:d", "\"d\""},
    {"conv2d:c1:o1:i3:k1:g1x1", "\"g1x1\""},
    {"depthwise_conv2d:c2:i3:k1:g2", "\"g2\""},
    {"depthwise_conv2d:c2:o6:m2:i3:k1", "\"m2\""},
    {"depthwise_conv2d:c9223372036854775807:m2:i3:k1", "\"m"},
    {"conv2d:c1:o1:i3:k1:p1~2~3", "\"p1~2~3\""},
    {"conv2d:c1:o1:i3:k1:p1~", "\"p1~\""},
    {"conv2d:c1:o1:i3:k1:p1~2~", "\"p1~2~\""},
    {"conv2d:c1:o1:i3:k1:p~1", "\"p~1\""},
    {"conv2d:c1:o1:i3:k1:p1x1x1", "\"p1x1x1\""},
    {"conv2d:c1:o1:i3:k1:p1x1x", "\"p1x1x\""},
    {"conv2d:c1:o1:i3:k1:psamey", "\"psamey\""},
    {"conv2d:c1:o1:i3:k1:pmmirror", "\"pmmirror\""},
    {"conv2d:c1:o1:i3:k1:lchwn", "\"lchwn\""},
    {"conv2d:c1:o1:i3:k1:li", "\"li\""},
    {"conv2d:c1:o1:i3:k1:lonwc", "\"lonwc\""},
    {"conv2d:c1:o1:i3:k1:lnchw12c", "\"lnchw12c\""},
    {"conv2d:c1:o1:i3:k1:linchw1c", "\"linchw1c\""},
    {"conv2d:c1:o1:i3:k1:lonchw128c", "\"lonchw128c\""},
    {"conv2d:c1:o1:i3:k1:lnchw0c", "\"lnchw0c\""},
    {"conv2d:c1:o1:i3:k1:tf16", "\"tf16\""},
    {"conv2d:c1:o1:i3:k1:b2", "\"b2\""},
    {"conv2d:c1:o1:i3:k1:opx", "\"opx\""},
    {"conv2d:c1:o1:i3:k1:os", "\"os\""},
    {"conv2d:c1:o1:i3:k1:m", "\"m\""},
    {"conv2d:c1:o1:i3:k1:post=", "\"post=\""},
    {"conv2d:c1:o1:i3:k1:post=none", "\"post=none\""},
    {"conv2d:c1:o1:i3:k1:post=relu+", "\"post=relu+\""},
    {"conv2d:c1:o1:i3:k1:post=relu@1", "\"post=relu@1\""},
    {"conv2d:c1:o1:i3:k1:post=relu@", "\"post=relu@\""},
    {"conv2d:c1:o1:i3:k1:post=leaky_relu", "\"post=leaky_relu\""},
    {"conv2d:c1:o1:i3:k1:post=clamp@1", "\"post=clamp@1\""},
    {"conv2d:c1:o1:i3:k1:post=clamp@1@2@3", "\"post=clamp@1@2@3\""},
    {"conv2d:c1:o1:i3:k1:post=clamp@nan@2", "\"post=clamp@nan@2\""},
    {"conv2d:c1:o1:i3:k1:post=relu+relu+relu+relu+relu+relu+relu", "6"},
    {"conv2d:c1:o1:i3:k1:acc=exact", "\"acc=exact\""},
    {"conv2d:c1:o1:i3:k1:isa=neon", "\"isa=neon\""},
    {"conv2d:c1:o1:i3:k1:alg=fft", "\"alg=fft\""},
    {"conv2d:c1:o1:i3:k1:alg=", "\"alg=\""},
};

static void errors_name_part_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cj_conv_desc desc;
        int64_t batch;
        if (cj_desc_parse(wrong[i].text, &desc, &batch) != CJ_INVALID)
            fail_msg("%s is taken", wrong[i].text);
        if (!strstr(cj_last_error(), wrong[i].named))
            fail_msg("%s: \"%s\" does not name %s", wrong[i].text, cj_last_error(), wrong[i].named);
        assert_null(strchr(cj_last_error(), '\n'));
    }
}

/* The sentence is of the last call that failed; one that does not fail must leave it alone. */
static void success_leaves_the_last_error_alone(void **state)
{
    (void)state;
    cj_conv_desc desc;
    int64_t batch;
    char before[512];
    assert_int_equal(cj_desc_parse("conv2d:c1:o1:i3:k1:z9", &desc, &batch), CJ_INVALID);
    snprintf(before, sizeof before, "%s", cj_last_error());
    assert_int_equal(cj_desc_parse("conv2d:c1:o1:i3:k1:p1:tf64:lnhwc:post=relu", &desc, &batch), CJ_OK);
    assert_string_equal(cj_last_error(), before);
}

/* ---- Harm ---- */

/* Changes at random of strings that are right: a status, nothing else. */
static void damaged_strings_give_a_status(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "conv2d:n1:c64:o64:i56x56:k3x3:s1:p1~2x0~1:d1:g1:post=clamp@-1@6+residual:b1:tf64:lnhwc:acc=strict",
        "conv_transpose3d:n1:c64:o64:i56:k3:s2:op1:os3:isa=avx2:alg=direct:linhwc:lonchw16c:pmcircular:psame",
        "separable_conv1d:c9223372036854775807:o1:m9223372036854775807:i9223372036854775807:k1",
        "g1mb1_ic64ih56_oc64oh56_kh3sh1dh0ph1n\"name\"",
    };
    static const char alphabet[] = "0123456789:x~@+=\"_ndcoikspgmlt-. \x01\xff%";
    unsigned s = 5;
    for (int i = 0; i < 200000; i++) {
        size_t length = strlen(seeds[i % 4]);
        char *text = test_malloc(length + 1); /* of its exact size */
        memcpy(text, seeds[i % 4], length + 1);
        for (unsigned edits = 1 + random_next(&s) % 3; edits; edits--)
            text[random_next(&s) % length] = alphabet[random_next(&s) % (sizeof alphabet - 1)];
        if (random_next(&s) % 4 == 0)
            text[random_next(&s) % length] = 0;
        cj_conv_desc desc;
        int64_t batch, output[3];
        cj_status status = cj_desc_parse(text, &desc, &batch);
        if (status != CJ_OK && (status != CJ_INVALID || !*cj_last_error()))
            fail_msg("%s gives status %d", text, (int)status);
        if (status == CJ_OK)
            cj_output_size(&desc, output);
        test_free(text);
    }
}

static void long_strings_give_a_status(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 20 };
    static const char *const starts[] = {"",   "conv2d:", "conv2d:c",  "conv2d:post=relu",
                                         "g1", "ic1n\"",  "conv2d:c1:"};
    static const char fillers[] = "1:x+@~_\"a";
    char *text = test_malloc(LENGTH + 1);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (const char *filler = fillers; *filler; filler++) {
            cj_conv_desc desc;
            int64_t batch;
            memset(text, *filler, LENGTH);
            text[LENGTH] = 0;
            memcpy(text, starts[i], strlen(starts[i]));
            assert_int_equal(cj_desc_parse(text, &desc, &batch), CJ_INVALID);
        }
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_mean_what_the_grammar_says),
        cmocka_unit_test(every_post_op_has_its_name),
        cmocka_unit_test(errors_name_part_and_value),
        cmocka_unit_test(success_leaves_the_last_error_alone),
        cmocka_unit_test(damaged_strings_give_a_status),
        cmocka_unit_test(long_strings_give_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
