/* Every field of a descriptor that changes the computation, or how it is to be done, changes the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a field is stored: int64_t, int or an enumeration, double, or a name. */
enum kind { SIZE, CHOICE, REAL, NAME };

struct flip {
    size_t offset;
    enum kind kind;
    double value;
    const char *name;
};

#define FIELD(kind, field, value)                        \
    {                                                    \
        offsetof(cj_conv_desc, field), kind, value, NULL \
    }

static const cj_conv_desc conv = {
    .rank = 2,
    .in_channels = 12,
    .out_channels = 24,
    .groups = 2,
    .input = {15, 17},
    .kernel = {3, 3},
    .stride = {2, 2},
    .pad_lo = {1, 1},
    .pad_hi = {1, 1},
    .bias = 1,
    .post = {{.kind = CJ_POST_LEAKY_RELU, .alpha = 0.25}, {.kind = CJ_POST_RESIDUAL}},
    .isa = CJ_ISA_SSE2};

static const struct flip conv_flips[] = {
    FIELD(CHOICE, op, CJ_CONV_TRANSPOSE),
    FIELD(CHOICE, dtype, CJ_F64),
    FIELD(SIZE, in_channels, 14),
    FIELD(SIZE, out_channels, 26),
    FIELD(SIZE, groups, 3),
    FIELD(SIZE, input[0], 16),
    FIELD(SIZE, input[1], 18),
    FIELD(SIZE, kernel[0], 2),
    FIELD(SIZE, kernel[1], 2),
    FIELD(SIZE, stride[0], 1),
    FIELD(SIZE, stride[1], 3),
    FIELD(SIZE, dilation[0], 2),
    FIELD(SIZE, dilation[1], 2),
    FIELD(SIZE, pad_lo[0], 0),
    FIELD(SIZE, pad_lo[1], 2),
    FIELD(SIZE, pad_hi[0], 3),
    FIELD(SIZE, pad_hi[1], 4),
    FIELD(CHOICE, pad_mode, CJ_PAD_REFLECT),
    FIELD(CHOICE, pad_mode, CJ_PAD_REPLICATE),
    FIELD(CHOICE, pad_mode, CJ_PAD_CIRCULAR),
    FIELD(CHOICE, input_layout, CJ_NHWC),
    FIELD(CHOICE, output_layout, CJ_NHWC),
    FIELD(CHOICE, bias, 0),
    FIELD(CHOICE, post[0].kind, CJ_POST_RELU),
    FIELD(REAL, post[0].alpha, 0.125),
    FIELD(CHOICE, post[1].kind, CJ_POST_SCALE_SHIFT),
    FIELD(CHOICE, post[1].kind, CJ_POST_NONE),
    FIELD(CHOICE, post[2].kind, CJ_POST_TANH),
    FIELD(CHOICE, accuracy, CJ_STRICT),
    FIELD(CHOICE, isa, CJ_ISA_AVX2),
    FIELD(CHOICE, isa, CJ_ISA_AVX512),
    {offsetof(cj_conv_desc, algorithm), NAME, 0, "reference"},
};

static const cj_conv_desc unpadded = {
    .in_channels = 4, .out_channels = 8, .input = {9, 9}, .kernel = {3, 4}, .stride = {1, 2}};

static const struct flip unpadded_flips[] = {
    FIELD(CHOICE, op, CJ_SEPARABLE),
    FIELD(CHOICE, auto_pad, CJ_PAD_SAME),
    FIELD(CHOICE, auto_pad, CJ_PAD_SAME_LOWER),
    FIELD(CHOICE, post[0].kind, CJ_POST_CLAMP),
};

static const cj_conv_desc clamped = {.in_channels = 4,
                                     .out_channels = 8,
                                     .input = {9, 9},
                                     .kernel = {3, 3},
                                     .post = {{.kind = CJ_POST_CLAMP, .alpha = -1, .beta = 1}}};

static const struct flip clamped_flips[] = {
    FIELD(REAL, post[0].alpha, -2),
    FIELD(REAL, post[0].beta, 2),
};

static const cj_conv_desc strided = {.in_channels = 4,
                                     .out_channels = 8,
                                     .input = {9, 9},
                                     .kernel = {3, 3},
                                     .input_layout = CJ_STRIDED,
                                     .output_layout = CJ_STRIDED,
                                     .input_strides = {400, 100, 10, 1},
                                     .output_strides = {1000, 100, 10, 1}};

static const struct flip strided_flips[] = {
    FIELD(SIZE, input_strides[0], 401),   FIELD(SIZE, input_strides[1], 101),
    FIELD(SIZE, input_strides[2], 11),    FIELD(SIZE, input_strides[3], 2),
    FIELD(SIZE, output_strides[0], 1001), FIELD(SIZE, output_strides[1], 101),
    FIELD(SIZE, output_strides[2], 11),
};

static const cj_conv_desc transposed = {.op = CJ_CONV_TRANSPOSE,
                                        .in_channels = 4,
                                        .out_channels = 8,
                                        .input = {5, 6},
                                        .kernel = {3, 3},
                                        .stride = {3, 3},
                                        .pad_lo = {1, 1},
                                        .pad_hi = {1, 1}};

static const struct flip transposed_flips[] = {
    FIELD(SIZE, output_padding[0], 1), FIELD(SIZE, output_padding[1], 2), FIELD(SIZE, stride[0], 2),
    FIELD(SIZE, dilation[1], 2),       FIELD(SIZE, pad_lo[0], 0),         FIELD(SIZE, pad_hi[1], 0),
    FIELD(CHOICE, op, CJ_CONV),        FIELD(SIZE, output_size[0], 15),
};

static const cj_conv_desc separable = {.op = CJ_SEPARABLE,
                                       .in_channels = 6,
                                       .out_channels = 8,
                                       .multiplier = 2,
                                       .input = {9, 8},
                                       .kernel = {3, 3}};

static const struct flip separable_flips[] = {
    FIELD(SIZE, multiplier, 1),
    FIELD(SIZE, in_channels, 5),
    FIELD(SIZE, out_channels, 9),
    FIELD(SIZE, kernel[1], 2),
};

/* A volume; unused dimensions cannot be flipped, so whole descriptors differ in their rank. */
static const cj_conv_desc volume = {
    .rank = 3, .in_channels = 3, .out_channels = 4, .input = {6, 7, 8}, .kernel = {2, 3, 2}};

static const struct flip volume_flips[] = {
    FIELD(SIZE, input[2], 9),    FIELD(SIZE, kernel[2], 3), FIELD(SIZE, stride[2], 2),
    FIELD(SIZE, dilation[2], 2), FIELD(SIZE, pad_lo[2], 1), FIELD(SIZE, pad_hi[2], 1),
};

static const struct family {
    const cj_conv_desc *base;
    const struct flip *flips;
    size_t count;
} families[] = {
    {&conv, conv_flips, sizeof conv_flips / sizeof *conv_flips},
    {&unpadded, unpadded_flips, sizeof unpadded_flips / sizeof *unpadded_flips},
    {&clamped, clamped_flips, sizeof clamped_flips / sizeof *clamped_flips},
    {&strided, strided_flips, sizeof strided_flips / sizeof *strided_flips},
    {&transposed, transposed_flips, sizeof transposed_flips / sizeof *transposed_flips},
    {&separable, separable_flips, sizeof separable_flips / sizeof *separable_flips},
    {&volume, volume_flips, sizeof volume_flips / sizeof *volume_flips},
};
enum { FAMILIES = sizeof families / sizeof *families, MOST_KEYS = 100 };

static cj_conv_desc flipped(const cj_conv_desc *base, const struct flip *flip)
{
    cj_conv_desc d = *base;
    char *field = (char *)&d + flip->offset;
    if (flip->kind == SIZE)
        memcpy(field, &(int64_t){(int64_t)flip->value}, sizeof(int64_t));
    else if (flip->kind == CHOICE)
        memcpy(field, &(int){(int)flip->value}, sizeof(int));
    else if (flip->kind == REAL)
        memcpy(field, &flip->value, sizeof flip->value);
    else
        d.algorithm = flip->name;
    return d;
}

/* The keys so far, and which convolution has each. */
struct keys {
    cj_context *context;
    struct {
        cj_conv_desc desc;
        char text[33];
    } at[MOST_KEYS];
    int count, wrong;
};

/* Prepare a convolution: its key must be none of those before. */
static void add_key(struct keys *keys, const cj_conv_desc *desc)
{
    cj_kernel *kernel;
    cj_machine machine;
    cj_machine_info(keys->context, &machine);
    if (desc->isa > machine.isa)
        return;
    if (cj_prepare(keys->context, desc, &kernel) != CJ_OK) {
        check_complain(desc, 1, "%s", cj_last_error());
        keys->wrong++;
        return;
    }
    for (int i = 0; i < keys->count; i++)
        if (strcmp(keys->at[i].text, cj_kernel_key(kernel)) == 0) {
            check_complain(&keys->at[i].desc, 1, "has the key %s, as has", keys->at[i].text);
            check_complain(desc, 1, "another convolution");
            keys->wrong++;
        }
    keys->at[keys->count].desc = *desc;
    snprintf(keys->at[keys->count++].text, 33, "%s", cj_kernel_key(kernel));
    cj_release(kernel);
}

static int wrong_keys(const cj_conv_desc *descs, size_t count)
{
    struct keys *keys = calloc(1, sizeof *keys);
    assert_int_equal(cj_context_create(NULL, &keys->context), CJ_OK);
    for (size_t i = 0; i < count && i < MOST_KEYS; i++)
        add_key(keys, &descs[i]);
    int wrong = keys->wrong;
    cj_context_destroy(keys->context);
    free(keys);
    return wrong;
}

/* Any two of a family differ. */
static void each_field_changes_the_key(void **state)
{
    (void)state;
    int wrong = 0;
    for (int f = 0; f < FAMILIES; f++) {
        cj_conv_desc descs[MOST_KEYS] = {*families[f].base};
        for (size_t i = 0; i < families[f].count; i++)
            descs[i + 1] = flipped(families[f].base, &families[f].flips[i]);
        wrong += wrong_keys(descs, families[f].count + 1);
    }
    assert_int_equal(wrong, 0);
}

static void the_rank_changes_the_key(void **state)
{
    (void)state;
    cj_conv_desc descs[3];
    for (int rank = 1; rank <= 3; rank++) {
        cj_conv_desc d = {.rank = rank, .in_channels = 3, .out_channels = 4};
        for (int i = 0; i < rank; i++) {
            d.input[i] = 6;
            d.kernel[i] = 3;
        }
        descs[rank - 1] = d;
    }
    assert_int_equal(wrong_keys(descs, 3), 0);
}

/* Two posts in the other order are another computation. */
static void the_order_of_posts_changes_the_key(void **state)
{
    (void)state;
    cj_conv_desc descs[2] = {unpadded, unpadded};
    descs[0].post[0].kind = descs[1].post[1].kind = CJ_POST_RESIDUAL;
    descs[0].post[1].kind = descs[1].post[0].kind = CJ_POST_SCALE_SHIFT;
    assert_int_equal(wrong_keys(descs, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_changes_the_key),
        cmocka_unit_test(the_rank_changes_the_key),
        cmocka_unit_test(the_order_of_posts_changes_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
