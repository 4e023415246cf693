/* Options before environment, and no value that goes unnoticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/config.h"

#include <stdlib.h>
#include <string.h>

static int clean(void **state)
{
    (void)state;
    unsetenv("CONVJIT_ISA");
    unsetenv("CONVJIT_CODEGEN");
    return 0;
}

static void nothing_set_means_no_cap_and_no_path(void **state)
{
    (void)state;
    struct config config;
    assert_int_equal(config_read(NULL, &config), CJ_OK);
    assert_int_equal(config.isa, CJ_ISA_HOST);
    assert_null(config.codegen_path);
    config_free(&config);
}

static void the_environment_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        cj_isa isa;
    } rows[] = {{"sse2", CJ_ISA_SSE2}, {"avx2", CJ_ISA_AVX2}, {"avx512", CJ_ISA_AVX512}, {"", CJ_ISA_HOST}};
    setenv("CONVJIT_CODEGEN", "/there/plugin.so", 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config config;
        setenv("CONVJIT_ISA", rows[i].name, 1);
        assert_int_equal(config_read(&(cj_options){0}, &config), CJ_OK);
        assert_int_equal(config.isa, rows[i].isa);
        assert_string_equal(config.codegen_path, "/there/plugin.so");
        config_free(&config);
    }
}

static void options_override_the_environment(void **state)
{
    (void)state;
    struct config config;
    setenv("CONVJIT_ISA", "sse2", 1);
    setenv("CONVJIT_CODEGEN", "/there/plugin.so", 1);
    cj_options options = {.codegen_path = "/here/plugin.so", .isa = CJ_ISA_AVX2};
    assert_int_equal(config_read(&options, &config), CJ_OK);
    assert_int_equal(config.isa, CJ_ISA_AVX2);
    assert_string_equal(config.codegen_path, "/here/plugin.so");
    config_free(&config);
}

static void a_wrong_variable_is_named_even_where_an_option_overrides_it(void **state)
{
    (void)state;
    static const char *const wrong[] = {"avx", "AVX2", "host", "avx2 ", "1"};
    struct config config;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("CONVJIT_ISA", wrong[i], 1);
        assert_int_equal(config_read(&(cj_options){.isa = CJ_ISA_SSE2}, &config), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "CONVJIT_ISA"));
        assert_non_null(strstr(cj_last_error(), wrong[i]));
    }
}

static void a_wrong_option_is_named(void **state)
{
    (void)state;
    static const int wrong[] = {-1, 4, 99};
    struct config config;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(config_read(&(cj_options){.isa = (cj_isa)wrong[i]}, &config), CJ_INVALID);
        assert_non_null(strstr(cj_last_error(), "options.isa is "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_set_means_no_cap_and_no_path, clean, clean),
        cmocka_unit_test_setup_teardown(the_environment_is_read, clean, clean),
        cmocka_unit_test_setup_teardown(options_override_the_environment, clean, clean),
        cmocka_unit_test_setup_teardown(a_wrong_variable_is_named_even_where_an_option_overrides_it, clean,
                                        clean),
        cmocka_unit_test_setup_teardown(a_wrong_option_is_named, clean, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
