/* label: full */
/* What the compiler makes of plans, through the plug-in as users have it: the same bytes each time, position-
 * independent code without calls, instructions within the cap, every format, and clear words for wrong targets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/algo.h"
#include "../src/blob.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each operator, rank and layout; tails, strides, dilations, phases, padding modes, every post-op. */
static const char *const shapes[] = {
    "conv2d:c64:o64:i56:k3:p1:lnhwc:b1:post=relu",
    "conv2d:c17:o31:i13x29:k3:p1:b1:post=scale_shift+residual+silu",
    "conv2d:c3:o64:i32:k7:s2:p3:pmreflect",
    "conv2d:c64:o128:i14:k1:lnhwc:post=gelu",
    "conv2d:c32:o32:i28:k3:p1:g4:post=tanh",
    "conv1d:c25:o25:i100:k3:d8:p8:pmcircular:post=hardswish",
    "conv3d:c3:o8:i8x12x12:k3:p1:linhwc:post=sigmoid",
    "conv2d:c8:o1:i20:k5:tf64:post=leaky_relu@0.1",
    "depthwise_conv2d:c40:i28:k5:p2:lnhwc:post=relu6",
    "depthwise_conv2d:c20:m3:i15:k3:s2:p1:pmreplicate",
    "depthwise_conv1d:c48:i100:k31:p15:tf64",
    "depthwise_conv3d:c9:i6:k3:p1:lonhwc",
    "conv_transpose2d:c16:o24:i9:k4:s2:p1:b1",
    "conv_transpose1d:c16:o8:i30:k16:s8:p4:lnhwc",
    "conv_transpose3d:c4:o4:i5:k3:s2x1x3:op1x0x2:g2:post=clamp@-1@2",
    "separable_conv2d:c32:o48:i14:k3:p1:m2:lnhwc:b1:post=relu",
    "separable_conv1d:c7:o5:i40:k5:s2",
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};

/* One emission. */
struct output {
    void *bytes;
    size_t size;
};

static cj_context *new_context(void)
{
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    return context;
}

static cj_status emit(cj_context *context, const cj_conv_desc *desc, cj_format format, struct output *output)
{
    return cj_emit(context, desc, &(cj_emit_options){.format = format}, &output->bytes, &output->size);
}

/* Run `check` on each shape, instruction set and algorithm that takes it; returns how many were wrong. */
typedef bool check_desc(cj_context *context, const cj_conv_desc *desc);

static int for_each(check_desc *check)
{
    cj_context *context = new_context();
    int wrong = 0, seen = 0;
    for (int i = 0; i < SHAPES; i++)
        for (int isa = 0; isa < 3; isa++)
            for (int algo = 0; algo < ALGOS; algo++) {
                cj_conv_desc desc;
                int64_t batch;
                struct output output;
                char text[256];
                assert_int_equal(cj_desc_parse(shapes[i], &desc, &batch), CJ_OK);
                desc.isa = isas[isa];
                desc.algorithm = algo_row((enum algo_id)algo)->name;
                cj_status status = emit(context, &desc, CJ_FORMAT_IR, &output);
                if (status == CJ_UNSUPPORTED)
                    continue;
                assert_int_equal(status, CJ_OK);
                cj_free(output.bytes);
                seen++;
                if (check(context, &desc))
                    continue;
                assert_int_equal(cj_desc_print(&desc, batch, text, sizeof text), CJ_OK);
                fprintf(stderr, "%s\n", text);
                wrong++;
            }
    cj_context_destroy(context);
    assert_true(seen > SHAPES * 3);
    return wrong;
}

/* ---- The same bytes ---- */

static bool gives_equal_bytes(cj_context *context, const cj_conv_desc *desc)
{
    static const cj_format formats[] = {CJ_FORMAT_IR, CJ_FORMAT_OBJECT};
    bool equal = true;
    for (int i = 0; i < 2; i++) {
        struct output one, two;
        assert_int_equal(emit(context, desc, formats[i], &one), CJ_OK);
        assert_int_equal(emit(context, desc, formats[i], &two), CJ_OK);
        equal &= one.size == two.size && memcmp(one.bytes, two.bytes, one.size) == 0;
        cj_free(one.bytes);
        cj_free(two.bytes);
    }
    return equal;
}

static void two_emissions_are_equal(void **state)
{
    (void)state;
    assert_int_equal(for_each(gives_equal_bytes), 0);
}

static void *emit_all(void *arg)
{
    struct output *outputs = arg;
    cj_context *context;
    if (cj_context_create(NULL, &context) != CJ_OK)
        return NULL;
    for (int i = 0; i < SHAPES; i++) {
        cj_conv_desc desc;
        int64_t batch;
        if (cj_desc_parse(shapes[i], &desc, &batch) != CJ_OK ||
            emit(context, &desc, CJ_FORMAT_OBJECT, &outputs[i]) != CJ_OK)
            outputs[i] = (struct output){NULL, 0};
    }
    cj_context_destroy(context);
    return NULL;
}

static void emissions_side_by_side_are_equal(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    static struct output outputs[THREADS][SHAPES];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, emit_all, outputs[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int s = 0; s < SHAPES; s++)
        for (int i = 0; i < THREADS; i++) {
            assert_non_null(outputs[i][s].bytes);
            assert_int_equal(outputs[i][s].size, outputs[0][s].size);
            assert_memory_equal(outputs[i][s].bytes, outputs[0][s].bytes, outputs[0][s].size);
        }
    for (int s = 0; s < SHAPES; s++)
        for (int i = 0; i < THREADS; i++)
            cj_free(outputs[i][s].bytes);
}

/* ---- Code that stands alone ---- */

static bool stands_alone(cj_context *context, const cj_conv_desc *desc)
{
    struct output object;
    struct blob blob;
    assert_int_equal(emit(context, desc, CJ_FORMAT_OBJECT, &object), CJ_OK);
    cj_status status = blob_from_object(object.bytes, object.size, &blob);
    if (status == CJ_OK)
        blob_free(&blob);
    else
        fprintf(stderr, "%s: ", cj_last_error());
    cj_free(object.bytes);
    return status == CJ_OK;
}

static void objects_need_nothing_from_outside(void **state)
{
    (void)state;
    assert_int_equal(for_each(stands_alone), 0);
}

/* Whether the assembly names an instruction or register that the cap forbids, or calls anything. */
static bool stays_within_cap(cj_context *context, const cj_conv_desc *desc)
{
    static const char *const beyond[][6] = {
        [CJ_ISA_SSE2] = {"%ymm", "%zmm", "\tvfmadd", "\tvmov", "\tcall", NULL},
        [CJ_ISA_AVX2] = {"%zmm", "{%k", "%ymm16", "%xmm16", "\tcall", NULL},
        [CJ_ISA_AVX512] = {"\tcall", NULL}};
    struct output text;
    bool within = true;
    assert_int_equal(emit(context, desc, CJ_FORMAT_ASM, &text), CJ_OK);
    for (const char *const *word = beyond[desc->isa]; *word; word++) {
        if (!strstr(text.bytes, *word))
            continue;
        fprintf(stderr, "%s in ", *word);
        within = false;
    }
    cj_free(text.bytes);
    return within;
}

static void code_stays_within_the_instruction_set(void **state)
{
    (void)state;
    assert_int_equal(for_each(stays_within_cap), 0);
}

/* ---- Formats and targets ---- */

static void each_format_is_what_it_says(void **state)
{
    (void)state;
    static const struct {
        cj_format format;
        const char *begins, *holds;
    } rows[] = {{CJ_FORMAT_IR, "; ModuleID", "alloca"},
                {CJ_FORMAT_LL_OPT, "; ModuleID", "phi"},
                {CJ_FORMAT_ASM, "\t.text", "convjit_kernel:"},
                {CJ_FORMAT_OBJECT, "\177ELF", NULL}};
    cj_context *context = new_context();
    cj_conv_desc desc;
    int64_t batch;
    assert_int_equal(cj_desc_parse(shapes[0], &desc, &batch), CJ_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct output output;
        assert_int_equal(emit(context, &desc, rows[i].format, &output), CJ_OK);
        assert_true(output.size > 4 && memcmp(output.bytes, rows[i].begins, strlen(rows[i].begins)) == 0);
        assert_true(!rows[i].holds || strstr(output.bytes, rows[i].holds));
        cj_free(output.bytes);
    }
    cj_context_destroy(context);
}

static void wrong_targets_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *cpu, *triple, *named;
    } rows[] = {
        {"pentium99", NULL, "cpu is \"pentium99\""},
        {"", NULL, "cpu is \"\""},
        {"i686", NULL, "cpu is \"i686\""}, /* LLVM knows it, but not for 64 bits */
        {"haswell", NULL, "cpu is haswell, which has avx2 at most; this code is for avx512"},
        {"haswell", "aarch64-unknown-linux-gnu", "cpu is haswell; with the triple aarch64-unknown-linux-gnu"},
        {NULL, "vax-dec-ultrix", "vax-dec-ultrix"},
        {NULL, "", "triple"}};
    cj_context *context = new_context();
    cj_conv_desc desc;
    int64_t batch;
    assert_int_equal(cj_desc_parse(shapes[0], &desc, &batch), CJ_OK);
    desc.isa = CJ_ISA_AVX512;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_emit_options options = {.format = CJ_FORMAT_ASM, .cpu = rows[i].cpu, .triple = rows[i].triple};
        void *bytes;
        size_t size;
        assert_int_equal(cj_emit(context, &desc, &options, &bytes, &size), CJ_UNSUPPORTED);
        assert_non_null(strstr(cj_last_error(), rows[i].named));
    }
    cj_context_destroy(context);
}

static void another_cpu_may_be_asked_for(void **state)
{
    (void)state;
    cj_context *context = new_context();
    cj_conv_desc desc;
    int64_t batch;
    struct output plain, tuned;
    assert_int_equal(cj_desc_parse("conv2d:c64:o64:i56:k3:p1:lnhwc:isa=avx2", &desc, &batch), CJ_OK);
    assert_int_equal(emit(context, &desc, CJ_FORMAT_IR, &plain), CJ_OK);
    cj_emit_options options = {.format = CJ_FORMAT_IR, .cpu = "znver5"};
    assert_int_equal(cj_emit(context, &desc, &options, &tuned.bytes, &tuned.size), CJ_OK);
    assert_non_null(strstr(tuned.bytes, "\"target-cpu\"=\"znver5\""));
    assert_non_null(strstr(plain.bytes, "\"target-cpu\"=\"x86-64-v3\""));
    cj_free(plain.bytes);
    cj_free(tuned.bytes);
    cj_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_emissions_are_equal),
        cmocka_unit_test(emissions_side_by_side_are_equal),
        cmocka_unit_test(objects_need_nothing_from_outside),
        cmocka_unit_test(code_stays_within_the_instruction_set),
        cmocka_unit_test(each_format_is_what_it_says),
        cmocka_unit_test(wrong_targets_are_named),
        cmocka_unit_test(another_cpu_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
