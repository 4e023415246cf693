/* Canonical bytes: the same computation has the same ones, another has others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"
#include "support/sample.h"

#include <stdio.h>
#include <string.h>

/* ---- The same computation, said in several ways ---- */

#define TRANSPOSED(...)                                                                      \
    {                                                                                        \
        .op = CJ_CONV_TRANSPOSE, .rank = 1, .in_channels = 2, .out_channels = 3, __VA_ARGS__ \
    }
#define DENSE(...)                                       \
    {                                                    \
        .in_channels = 2, .out_channels = 3, __VA_ARGS__ \
    }

static const struct {
    const char *why;
    cj_conv_desc a, b;
} equals[] = {
    {"defaults are written out", DENSE(.input = {9, 8}, .kernel = {3, 2}),
     DENSE(.rank = 2, .groups = 1, .input = {9, 8}, .kernel = {3, 2}, .stride = {1, 1}, .dilation = {1, 1})},
    {"two dimensions are three", DENSE(.input = {9, 8}, .kernel = {3, 2}, .pad_lo = {1, 1}),
     DENSE(.rank = 3, .input = {1, 9, 8}, .kernel = {1, 3, 2}, .pad_lo = {0, 1, 1})},
    {"one dimension is two", DENSE(.rank = 1, .input = {9}, .kernel = {3}, .stride = {2}),
     DENSE(.input = {1, 9}, .kernel = {1, 3}, .stride = {1, 2})},
    {"a column is a row", DENSE(.input = {9, 1}, .kernel = {3, 1}, .pad_hi = {2, 0}),
     DENSE(.input = {1, 9}, .kernel = {1, 3}, .pad_hi = {0, 2})},
    {"an idle dimension in the middle", DENSE(.rank = 3, .input = {5, 1, 6}, .kernel = {3, 1, 2}),
     DENSE(.rank = 2, .input = {5, 6}, .kernel = {3, 2})},
    {"the strides of an idle dimension",
     DENSE(.input = {1, 9}, .kernel = {1, 3}, .stride = {4, 1}, .dilation = {7, 1}),
     DENSE(.rank = 1, .input = {9}, .kernel = {3})},
    {"a 1x1 kernel walks an image as a row", DENSE(.input = {9, 8}, .kernel = {1, 1}),
     DENSE(.rank = 1, .input = {72}, .kernel = {1})},
    {"and a volume", DENSE(.rank = 3, .input = {2, 9, 8}, .kernel = {1, 1, 1}, .input_layout = CJ_NHWC),
     DENSE(.rank = 1, .input = {144}, .kernel = {1}, .input_layout = CJ_NHWC)},
    {"two outer dimensions of a volume", DENSE(.rank = 3, .input = {4, 5, 6}, .kernel = {1, 1, 3}),
     DENSE(.rank = 2, .input = {20, 6}, .kernel = {1, 3})},
    {"two inner dimensions of a volume", DENSE(.rank = 3, .input = {4, 5, 6}, .kernel = {3, 1, 1}),
     DENSE(.rank = 2, .input = {4, 30}, .kernel = {3, 1})},
    {"dilation of a kernel of one",
     DENSE(.input = {9, 8}, .kernel = {3, 1}, .dilation = {2, 5}, .stride = {1, 2}),
     DENSE(.input = {9, 8}, .kernel = {3, 1}, .dilation = {2, 1}, .stride = {1, 2})},
    {"stride to a single output", DENSE(.input = {9, 8}, .kernel = {9, 3}, .stride = {3, 1}),
     DENSE(.input = {9, 8}, .kernel = {9, 3}, .stride = {1, 1})},
    {"padding behind that no output reads",
     DENSE(.input = {8, 8}, .kernel = {3, 3}, .stride = {2, 1}, .pad_lo = {1, 1}, .pad_hi = {1, 1}),
     DENSE(.input = {8, 8}, .kernel = {3, 3}, .stride = {2, 1}, .pad_lo = {1, 1}, .pad_hi = {0, 1})},
    {"the mode of no padding", DENSE(.input = {9, 8}, .kernel = {3, 3}, .pad_mode = CJ_PAD_CIRCULAR),
     DENSE(.input = {9, 8}, .kernel = {3, 3})},
    {"automatic padding", DENSE(.input = {9, 8}, .kernel = {3, 4}, .auto_pad = CJ_PAD_SAME),
     DENSE(.input = {9, 8}, .kernel = {3, 4}, .pad_lo = {1, 1}, .pad_hi = {1, 2})},
    {"automatic padding in front", DENSE(.input = {9, 8}, .kernel = {3, 4}, .auto_pad = CJ_PAD_SAME_LOWER),
     DENSE(.input = {9, 8}, .kernel = {3, 4}, .pad_lo = {1, 2}, .pad_hi = {1, 1})},
    {"no padding", DENSE(.input = {9, 8}, .kernel = {3, 4}, .auto_pad = CJ_PAD_VALID),
     DENSE(.input = {9, 8}, .kernel = {3, 4})},
    {"strides of a dense layout", DENSE(.input = {9, 8}, .kernel = {3, 3}, .input_layout = CJ_NHWC),
     DENSE(.input = {9, 8}, .kernel = {3, 3}, .input_layout = CJ_STRIDED, .output_layout = CJ_STRIDED,
           .input_strides = {144, 1, 16, 2}, .output_strides = {126, 42, 6, 1})},
    {"the layout of one channel",
     {.in_channels = 1, .out_channels = 3, .input = {9, 8}, .kernel = {3, 3}},
     {.in_channels = 1, .out_channels = 3, .input = {9, 8}, .kernel = {3, 3}, .input_layout = CJ_NHWC}},
    {"the layout of one pixel", DENSE(.input = {3, 3}, .kernel = {3, 3}),
     DENSE(.input = {3, 3}, .kernel = {3, 3}, .output_layout = CJ_NHWC)},
    {"strides that are given and not used",
     DENSE(.input = {9, 8}, .kernel = {3, 3}, .input_strides = {7, 7, 7, 7}, .output_strides = {1}),
     DENSE(.input = {9, 8}, .kernel = {3, 3})},
    {"any true bias", DENSE(.input = {9, 8}, .kernel = {3, 3}, .bias = -5),
     DENSE(.input = {9, 8}, .kernel = {3, 3}, .bias = 1)},
    {"parameters of post-ops without any",
     DENSE(.input = {9, 8}, .kernel = {3, 3}, .post = {{CJ_POST_RELU, 3, 4}, {CJ_POST_LEAKY_RELU, 2, 9}}),
     DENSE(.input = {9, 8}, .kernel = {3, 3}, .post = {{CJ_POST_RELU, 0, 0}, {CJ_POST_LEAKY_RELU, 2, 0}})},
    {"who computes it", DENSE(.input = {9, 8}, .kernel = {3, 3}, .algorithm = "reference", .isa = CJ_ISA_SSE2),
     DENSE(.input = {9, 8}, .kernel = {3, 3})},
    {"output_size as output_padding",
     TRANSPOSED(.input = {5}, .kernel = {3}, .stride = {3}, .output_size = {17}),
     TRANSPOSED(.input = {5}, .kernel = {3}, .stride = {3}, .output_padding = {2})},
    {"output_padding gives back what pad_hi takes",
     TRANSPOSED(.input = {5}, .kernel = {3}, .stride = {3}, .pad_hi = {2}, .output_padding = {2}),
     TRANSPOSED(.input = {5}, .kernel = {3}, .stride = {3})},
    {"a transposed 1x1 walks an image as a row",
     {.op = CJ_CONV_TRANSPOSE, .in_channels = 2, .out_channels = 3, .input = {4, 5}, .kernel = {1, 1}},
     TRANSPOSED(.input = {20}, .kernel = {1})},
    {"groups and multiplier of a separable convolution",
     {.op = CJ_SEPARABLE, .in_channels = 4, .out_channels = 3, .input = {9, 8}, .kernel = {3, 3}, .groups = 7},
     {.op = CJ_SEPARABLE,
      .in_channels = 4,
      .out_channels = 3,
      .input = {9, 8},
      .kernel = {3, 3},
      .multiplier = 1}},
};

static void equal_computations_have_equal_bytes(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof equals / sizeof *equals; i++) {
        struct conv a, b;
        memset(&a, 0x55, sizeof a);
        memset(&b, 0xaa, sizeof b);
        assert_int_equal(conv_from_desc(&equals[i].a, &a), CJ_OK);
        assert_int_equal(conv_from_desc(&equals[i].b, &b), CJ_OK);
        if (memcmp(&a, &b, sizeof a) == 0)
            continue;
        fprintf(stderr, "%s: %s differs\n", equals[i].why, sample_shape(&equals[i].a));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* ---- One field changed, another computation ---- */

static cj_conv_desc base_desc(void)
{
    return (cj_conv_desc){
        .rank = 3,
        .in_channels = 12,
        .out_channels = 12,
        .groups = 2,
        .input = {7, 8, 9},
        .kernel = {2, 3, 4},
        .stride = {2, 3, 2},
        .dilation = {2, 1, 2},
        .pad_lo = {1, 2, 1},
        .pad_hi = {2, 1, 2},
        .pad_mode = CJ_PAD_REFLECT,
        .post = {{CJ_POST_SCALE_SHIFT, 0, 0}, {CJ_POST_LEAKY_RELU, 0.5, 0}, {CJ_POST_CLAMP, 1, 2}}};
}

struct change {
    const char *name;
    size_t at, size;
    int64_t value;
    double real;
};

#define WIDE(field, value)                                 \
    {                                                      \
#field, offsetof(cj_conv_desc, field), 8, value, 0 \
    }
#define NARROW(field, value)                               \
    {                                                      \
#field, offsetof(cj_conv_desc, field), 4, value, 0 \
    }
#define REAL(field, value)                                 \
    {                                                      \
#field, offsetof(cj_conv_desc, field), 0, 0, value \
    }

static void change(cj_conv_desc *desc, const struct change *change)
{
    void *field = (char *)desc + change->at;
    int narrow = (int)change->value;
    if (change->size == 0)
        memcpy(field, &change->real, sizeof change->real);
    else
        memcpy(field, change->size == 8 ? (const void *)&change->value : (const void *)&narrow, change->size);
}

static const struct change changes[] = {
    NARROW(op, CJ_SEPARABLE),
    NARROW(dtype, CJ_F64),
    WIDE(in_channels, 14),
    WIDE(out_channels, 14),
    WIDE(groups, 3),
    WIDE(input[0], 8),
    WIDE(input[1], 9),
    WIDE(input[2], 11),
    WIDE(kernel[0], 3),
    WIDE(kernel[1], 4),
    WIDE(kernel[2], 5),
    WIDE(stride[0], 3),
    WIDE(stride[1], 2),
    WIDE(stride[2], 1),
    WIDE(dilation[0], 3),
    WIDE(dilation[1], 2),
    WIDE(dilation[2], 1),
    WIDE(pad_lo[0], 2),
    WIDE(pad_lo[1], 1),
    WIDE(pad_lo[2], 0),
    WIDE(pad_hi[0], 4),
    WIDE(pad_hi[1], 3),
    WIDE(pad_hi[2], 4),
    NARROW(pad_mode, CJ_PAD_ZEROS),
    NARROW(pad_mode, CJ_PAD_REPLICATE),
    NARROW(pad_mode, CJ_PAD_CIRCULAR),
    NARROW(input_layout, CJ_NHWC),
    NARROW(output_layout, CJ_NHWC),
    NARROW(bias, 1),
    NARROW(post[0].kind, CJ_POST_RESIDUAL),
    NARROW(post[1].kind, CJ_POST_RELU),
    NARROW(post[2].kind, CJ_POST_NONE),
    NARROW(post[2].kind, CJ_POST_RELU6),
    NARROW(post[3].kind, CJ_POST_TANH),
    REAL(post[1].alpha, 0.25),
    REAL(post[2].alpha, 0.5),
    REAL(post[2].beta, 3),
    NARROW(accuracy, CJ_STRICT),
};
enum { CHANGES = sizeof changes / sizeof *changes };

/* Neither the base's bytes nor those of another change. */
static void each_field_that_matters_changes_the_bytes(void **state)
{
    (void)state;
    static struct conv convs[CHANGES + 1];
    for (int i = 0; i <= CHANGES; i++) {
        cj_conv_desc desc = base_desc();
        if (i < CHANGES)
            change(&desc, &changes[i]);
        if (conv_from_desc(&desc, &convs[i]) != CJ_OK)
            fail_msg("%s: %s", changes[i].name, cj_last_error());
        for (int k = 0; k < i; k++)
            if (memcmp(&convs[i], &convs[k], sizeof convs[i]) == 0)
                fail_msg("%s makes no difference from %s", i < CHANGES ? changes[i].name : "the base",
                         changes[k].name);
    }
}

static void each_field_of_a_transposed_one_changes_the_bytes(void **state)
{
    (void)state;
    static const struct change own[] = {
        WIDE(input[1], 6),          WIDE(kernel[1], 4),  WIDE(stride[1], 4),
        WIDE(dilation[1], 3),       WIDE(pad_lo[1], 2),  WIDE(pad_hi[1], 0),
        WIDE(output_padding[1], 1), NARROW(op, CJ_CONV), WIDE(groups, 1),
    };
    static struct conv convs[sizeof own / sizeof *own + 1];
    for (size_t i = 0; i <= sizeof own / sizeof *own; i++) {
        cj_conv_desc desc = {.op = CJ_CONV_TRANSPOSE,
                             .in_channels = 12,
                             .out_channels = 12,
                             .groups = 2,
                             .input = {4, 5},
                             .kernel = {3, 3},
                             .stride = {2, 3},
                             .dilation = {1, 2},
                             .pad_lo = {1, 1},
                             .pad_hi = {1, 2}};
        if (i < sizeof own / sizeof *own)
            change(&desc, &own[i]);
        assert_int_equal(conv_from_desc(&desc, &convs[i]), CJ_OK);
        for (size_t k = 0; k < i; k++)
            if (memcmp(&convs[i], &convs[k], sizeof convs[i]) == 0)
                fail_msg("change %zu makes no difference from %s", i, own[k].name);
    }
}

/* The order of post-ops matters. */
static void the_order_of_post_operations_changes_the_bytes(void **state)
{
    (void)state;
    cj_conv_desc a = base_desc(), b = base_desc();
    struct conv first, second;
    b.post[0] = a.post[1];
    b.post[1] = a.post[0];
    assert_int_equal(conv_from_desc(&a, &first), CJ_OK);
    assert_int_equal(conv_from_desc(&b, &second), CJ_OK);
    assert_memory_not_equal(&first, &second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_computations_have_equal_bytes),
        cmocka_unit_test(each_field_that_matters_changes_the_bytes),
        cmocka_unit_test(each_field_of_a_transposed_one_changes_the_bytes),
        cmocka_unit_test(the_order_of_post_operations_changes_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
