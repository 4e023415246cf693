/* The compiler's output goes through untouched, for any ISA, and nothing is cached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/fixture.h"

#include <string.h>

static const cj_conv_desc desc_3x3 = {.in_channels = 16, .out_channels = 8, .input = {9, 9}, .kernel = {3, 3}};

static void the_request_reaches_the_generator(void **state)
{
    cj_context *context = *state;
    cj_emit_options options = {.format = CJ_FORMAT_ASM, .cpu = "znver5", .triple = "x86_64-pc-none"};
    cj_conv_desc desc = desc_3x3;
    desc.isa = CJ_ISA_AVX512; /* whatever this host has */
    void *bytes;
    size_t size;
    assert_int_equal(cj_emit(context, &desc, &options, &bytes, &size), CJ_OK);
    static const char expected[] = "format=2 cpu=znver5 triple=x86_64-pc-none isa=3";
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    cj_free(bytes);
}

static void no_options_mean_ir_for_the_preset(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_3x3;
    desc.isa = CJ_ISA_SSE2;
    void *bytes;
    size_t size;
    assert_int_equal(cj_emit(context, &desc, NULL, &bytes, &size), CJ_OK);
    static const char expected[] = "format=0 cpu=- triple=- isa=1";
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    cj_free(bytes);
}

static void objects_are_whole_and_nothing_is_cached(void **state)
{
    cj_context *context = *state;
    void *bytes;
    size_t size;
    cj_counters counters;
    assert_int_equal(cj_emit(context, &desc_3x3, &(cj_emit_options){.format = CJ_FORMAT_OBJECT}, &bytes, &size),
                     CJ_OK);
    assert_true(size > 64);
    assert_memory_equal(bytes, "\177ELF", 4);
    cj_free(bytes);
    cj_context_counters(context, &counters);
    assert_int_equal(counters.hits + counters.misses + counters.compiles + counters.kernels, 0);
}

static void failures_are_named_and_leave_nothing(void **state)
{
    cj_context *context = *state;
    cj_conv_desc desc = desc_3x3;
    void *bytes = &desc;
    size_t size;
    assert_int_equal(cj_emit(context, &desc, &(cj_emit_options){.format = (cj_format)4}, &bytes, &size),
                     CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "options.format is 4"));
    assert_null(bytes);
    assert_int_equal(cj_emit(context, &desc, NULL, NULL, &size), CJ_INVALID);
    assert_int_equal(cj_emit(context, &desc, NULL, &bytes, NULL), CJ_INVALID);
    assert_int_equal(cj_emit(NULL, &desc, NULL, &bytes, &size), CJ_INVALID);
    desc.in_channels = 3;
    assert_int_equal(cj_emit(context, &desc, NULL, &bytes, &size), CJ_COMPILE);
    assert_string_equal(cj_last_error(), "ic is 3; this generator cannot count that far");
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_request_reaches_the_generator, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(no_options_mean_ir_for_the_preset, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(objects_are_whole_and_nothing_is_cached, set_up_fake, tear_down_fake),
        cmocka_unit_test_setup_teardown(failures_are_named_and_leave_nothing, set_up_fake, tear_down_fake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
