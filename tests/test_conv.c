/* From descriptor to convolution: what each field may be, and what is derived from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/conv.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HUGE_VALUE (((int64_t)1 << 60) + 1)

static cj_conv_desc plain_desc(void)
{
    return (cj_conv_desc){.in_channels = 6,
                          .out_channels = 4,
                          .groups = 2,
                          .input = {9, 11},
                          .kernel = {3, 3},
                          .stride = {2, 1},
                          .dilation = {1, 2},
                          .pad_lo = {1, 0},
                          .pad_hi = {0, 2}};
}

/* The same with strides of its own: outputs are 4 channels of 4 x 9. */
static cj_conv_desc strided_desc(void)
{
    cj_conv_desc desc = plain_desc();
    desc.input_layout = desc.output_layout = CJ_STRIDED;
    memcpy(desc.input_strides, (int64_t[]){600, 99, 11, 1, 0}, sizeof desc.input_strides);
    memcpy(desc.output_strides, (int64_t[]){200, 50, 12, 1, 0}, sizeof desc.output_strides);
    return desc;
}

/* The descriptor is refused, and the sentence says "<field> is <value>". */
static bool refused(const cj_conv_desc *desc, const char *field, int64_t value)
{
    char text[80];
    struct conv conv;
    snprintf(text, sizeof text, "%s is %lld;", field, (long long)value);
    cj_status status = conv_from_desc(desc, &conv);
    if (status == CJ_INVALID && strstr(cj_last_error(), text) == cj_last_error())
        return true;
    fprintf(stderr, "for \"%s\": %s, \"%s\"\n", text, cj_status_name(status), cj_last_error());
    return false;
}

/* A field of the descriptor by its place. */
struct field {
    const char *name;
    size_t at;
    bool is_wide; /* int64_t, else an int or an enum */
};

#define WIDE(name)                                \
    {                                             \
#name, offsetof(cj_conv_desc, name), true \
    }
#define NARROW(name)                               \
    {                                              \
#name, offsetof(cj_conv_desc, name), false \
    }

static void set(cj_conv_desc *desc, const struct field *field, int64_t value)
{
    int narrow = (int)value;
    memcpy((char *)desc + field->at, field->is_wide ? (void *)&value : (void *)&narrow,
           field->is_wide ? sizeof value : sizeof narrow);
}

static void no_number_may_be_negative_or_huge(void **state)
{
    (void)state;
    static const struct field fields[] = {
        WIDE(in_channels),       WIDE(out_channels),      WIDE(groups),
        WIDE(multiplier),        WIDE(input[0]),          WIDE(input[1]),
        WIDE(kernel[0]),         WIDE(kernel[1]),         WIDE(stride[0]),
        WIDE(stride[1]),         WIDE(dilation[0]),       WIDE(dilation[1]),
        WIDE(pad_lo[0]),         WIDE(pad_lo[1]),         WIDE(pad_hi[0]),
        WIDE(pad_hi[1]),         WIDE(output_padding[0]), WIDE(output_padding[1]),
        WIDE(output_size[0]),    WIDE(output_size[1]),    WIDE(input_strides[0]),
        WIDE(input_strides[1]),  WIDE(input_strides[2]),  WIDE(input_strides[3]),
        WIDE(output_strides[0]), WIDE(output_strides[1]), WIDE(output_strides[2]),
        WIDE(output_strides[3]), WIDE(input_block),       WIDE(output_block),
    };
    static const int64_t wrong[] = {-1, -7, INT64_MIN, HUGE_VALUE, INT64_MAX};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            cj_conv_desc desc = strided_desc();
            set(&desc, &fields[i], wrong[k]);
            assert_true(refused(&desc, fields[i].name, wrong[k]));
        }
}

static void sizes_may_not_be_zero(void **state)
{
    (void)state;
    static const struct field fields[] = {WIDE(in_channels), WIDE(out_channels), WIDE(input[0]),
                                          WIDE(input[1]),    WIDE(kernel[0]),    WIDE(kernel[1])};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        cj_conv_desc desc = plain_desc();
        set(&desc, &fields[i], 0);
        assert_true(refused(&desc, fields[i].name, 0));
    }
}

static void entries_behind_the_rank_must_be_zero(void **state)
{
    (void)state;
    static const struct field fields[] = {
        WIDE(input[2]),         WIDE(kernel[2]),         WIDE(stride[2]),         WIDE(dilation[2]),
        WIDE(pad_lo[2]),        WIDE(pad_hi[2]),         WIDE(output_padding[2]), WIDE(output_size[2]),
        WIDE(input_strides[4]), WIDE(output_strides[4]),
    };
    static const int64_t wrong[] = {1, -1, INT64_MAX};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            cj_conv_desc desc = strided_desc();
            set(&desc, &fields[i], wrong[k]);
            assert_true(refused(&desc, fields[i].name, wrong[k]));
        }
}

static void enumerations_end_where_the_header_ends_them(void **state)
{
    (void)state;
    static const struct {
        struct field field;
        int last;
    } rows[] = {
        {NARROW(op), CJ_SEPARABLE},
        {NARROW(rank), 3},
        {NARROW(dtype), CJ_F64},
        {NARROW(auto_pad), CJ_PAD_VALID},
        {NARROW(pad_mode), CJ_PAD_CIRCULAR},
        {NARROW(input_layout), CJ_NCHWC},
        {NARROW(output_layout), CJ_NCHWC},
        {NARROW(accuracy), CJ_STRICT},
        {NARROW(isa), CJ_ISA_AVX512},
        {NARROW(post[0].kind), CJ_POST_CLAMP},
        {NARROW(post[3].kind), CJ_POST_CLAMP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int wrong[] = {-1, rows[i].last + 1, 1 << 30, -(1 << 30)};
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            cj_conv_desc desc = plain_desc();
            for (int p = 0; p < 4; p++)
                desc.post[p].kind = CJ_POST_RELU;
            set(&desc, &rows[i].field, wrong[k]);
            assert_true(refused(&desc, rows[i].field.name, wrong[k]));
        }
    }
}

static void channels_are_divisible_by_groups(void **state)
{
    (void)state;
    for (int64_t groups = 1; groups <= 12; groups++) {
        cj_conv_desc desc = plain_desc();
        struct conv conv;
        desc.in_channels = 12;
        desc.out_channels = 18;
        desc.groups = groups;
        if (12 % groups)
            assert_true(refused(&desc, "in_channels", 12));
        else if (18 % groups)
            assert_true(refused(&desc, "out_channels", 18));
        else
            assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    }
}

static void fields_of_another_operator_are_refused(void **state)
{
    (void)state;
    static const struct {
        cj_op op;
        struct field field;
        int64_t value;
    } rows[] = {
        {CJ_CONV, WIDE(multiplier), 1},
        {CJ_CONV_TRANSPOSE, WIDE(multiplier), 2},
        {CJ_CONV, WIDE(output_padding[1]), 1},
        {CJ_SEPARABLE, WIDE(output_padding[0]), 1},
        {CJ_CONV, WIDE(output_size[0]), 4},
        {CJ_SEPARABLE, WIDE(output_size[1]), 9},
        {CJ_CONV_TRANSPOSE, NARROW(pad_mode), CJ_PAD_REFLECT},
        {CJ_CONV_TRANSPOSE, NARROW(pad_mode), CJ_PAD_REPLICATE},
        {CJ_CONV_TRANSPOSE, NARROW(pad_mode), CJ_PAD_CIRCULAR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_conv_desc desc = plain_desc();
        desc.op = rows[i].op;
        set(&desc, &rows[i].field, rows[i].value);
        assert_true(refused(&desc, rows[i].field.name, rows[i].value));
    }
}

static void post_operations_are_checked(void **state)
{
    (void)state;
    static const struct {
        cj_post post[3];
        const char *says[2];
    } rows[] = {
        {{{.kind = CJ_POST_RELU}, {.kind = CJ_POST_NONE}, {.kind = CJ_POST_TANH}}, {"post[2]", "post[1]"}},
        {{{.kind = CJ_POST_RESIDUAL}, {.kind = CJ_POST_RELU}, {.kind = CJ_POST_RESIDUAL}},
         {"post[2]", "second"}},
        {{{.kind = CJ_POST_SCALE_SHIFT}, {.kind = CJ_POST_SCALE_SHIFT}}, {"post[1]", "second"}},
        {{{.kind = CJ_POST_RELU}, {CJ_POST_CLAMP, 2, 1}}, {"post[1].alpha is 2", "beta, 1"}},
        {{{CJ_POST_LEAKY_RELU, NAN, 0}}, {"post[0].alpha is nan", ""}},
        {{{CJ_POST_CLAMP, 0, NAN}}, {"post[0].beta is nan", ""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_conv_desc desc = plain_desc();
        struct conv conv;
        memcpy(desc.post, rows[i].post, sizeof rows[i].post);
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_INVALID);
        assert_ptr_equal(strstr(cj_last_error(), rows[i].says[0]), cj_last_error());
        assert_non_null(strstr(cj_last_error(), rows[i].says[1]));
    }
}

static void an_output_without_elements_is_refused(void **state)
{
    (void)state;
    cj_conv_desc desc = plain_desc();
    desc.kernel[1] = 8; /* spans 15 of 13 */
    assert_true(refused(&desc, "kernel[1]", 8));
    desc.kernel[1] = 7; /* 13 of 13 */
    struct conv conv;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
    assert_int_equal(conv.axis[AXIS_W].out, 1);
    desc = (cj_conv_desc){.op = CJ_CONV_TRANSPOSE,
                          .in_channels = 1,
                          .out_channels = 1,
                          .input = {3, 3},
                          .kernel = {2, 2},
                          .pad_lo = {2, 1},
                          .pad_hi = {1, 3}}; /* 4 rows and columns before padding */
    assert_true(refused(&desc, "pad_lo[1] + pad_hi[1]", 4));
    desc.pad_lo[1] = 0;
    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
}

/* reflect: less than the input; circular: at most the input; replicate and zeros: any. */
static void padding_modes_bound_the_padding(void **state)
{
    (void)state;
    static const struct field fields[] = {WIDE(pad_lo[0]), WIDE(pad_lo[1]), WIDE(pad_hi[0]), WIDE(pad_hi[1])};
    static const int64_t most[] = {99, 4, 99, 5};
    for (int mode = 0; mode < 4; mode++)
        for (int f = 0; f < 4; f++)
            for (int64_t pad = 0; pad < 8; pad++) {
                cj_conv_desc desc = {.in_channels = 1, .out_channels = 1, .input = {5, 5}, .kernel = {2, 2}};
                struct conv conv;
                desc.pad_mode = (cj_pad_mode)mode;
                set(&desc, &fields[f], pad);
                if (pad > most[mode])
                    assert_true(refused(&desc, fields[f].name, pad));
                else
                    assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_number_may_be_negative_or_huge),
        cmocka_unit_test(sizes_may_not_be_zero),
        cmocka_unit_test(entries_behind_the_rank_must_be_zero),
        cmocka_unit_test(enumerations_end_where_the_header_ends_them),
        cmocka_unit_test(channels_are_divisible_by_groups),
        cmocka_unit_test(fields_of_another_operator_are_refused),
        cmocka_unit_test(post_operations_are_checked),
        cmocka_unit_test(an_output_without_elements_is_refused),
        cmocka_unit_test(padding_modes_bound_the_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
