/* A context's life, and what the library says about itself and the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>

static void contexts_come_and_go(void **state)
{
    (void)state;
    cj_context *context;
    cj_counters counters, zero = {0};
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    cj_context_counters(context, &counters);
    assert_memory_equal(&counters, &zero, sizeof zero);
    cj_context_destroy(context);
    cj_context_destroy(NULL);
}

static void wrong_settings_make_no_context(void **state)
{
    (void)state;
    cj_context *context = (cj_context *)&context;
    assert_int_equal(cj_context_create(NULL, NULL), CJ_INVALID);
    assert_int_equal(cj_context_create(&(cj_options){.isa = (cj_isa)17}, &context), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "options.isa is 17"));
    assert_null(context);
    setenv("CONVJIT_ISA", "mmx", 1);
    assert_int_equal(cj_context_create(NULL, &context), CJ_INVALID);
    unsetenv("CONVJIT_ISA");
    assert_non_null(strstr(cj_last_error(), "CONVJIT_ISA is \"mmx\""));
}

static void the_machine_is_shown_under_the_cap(void **state)
{
    (void)state;
    struct host host;
    host_probe(&host);
    for (int cap = CJ_ISA_HOST; cap <= CJ_ISA_AVX512; cap++) {
        cj_context *context;
        cj_machine machine;
        assert_int_equal(cj_context_create(&(cj_options){.isa = (cj_isa)cap}, &context), CJ_OK);
        cj_machine_info(context, &machine);
        int expected = cap != CJ_ISA_HOST && cap < (int)host.isa ? cap : (int)host.isa;
        assert_int_equal(machine.isa, expected);
        assert_int_equal(machine.cores, host.cores);
        assert_int_equal(machine.l2, host.l2);
        assert_string_equal(machine.cpu, host.cpu);
        cj_context_destroy(context);
    }
}

static void llvms_version_is_the_generators(void **state)
{
    cj_context *context = *state;
    const char *version = "";
    assert_int_equal(cj_llvm_version(context, &version), CJ_OK);
    assert_string_equal(version, "0.0.0");
    context->door.plugin = NULL;
    context->door.path = "/nowhere/at/all.so";
    assert_int_equal(cj_llvm_version(context, &version), CJ_NO_CODEGEN);
    assert_null(version);
    assert_int_equal(cj_llvm_version(NULL, &version), CJ_INVALID);
    assert_int_equal(cj_llvm_version(context, NULL), CJ_INVALID);
}

static void every_status_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"CJ_OK",         "CJ_INVALID", "CJ_UNSUPPORTED", "CJ_NO_MEMORY",
                                        "CJ_NO_CODEGEN", "CJ_COMPILE", "CJ_SYSTEM"};
    for (int i = 0; i <= CJ_SYSTEM; i++)
        assert_string_equal(cj_status_name((cj_status)i), names[i]);
    assert_string_equal(cj_status_name((cj_status)7), "not a cj_status");
    assert_string_equal(cj_status_name((cj_status)-1), "not a cj_status");
    assert_string_equal(cj_version(), CJ_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contexts_come_and_go),
        cmocka_unit_test(wrong_settings_make_no_context),
        cmocka_unit_test(the_machine_is_shown_under_the_cap),
        cmocka_unit_test_setup_teardown(llvms_version_is_the_generators, set_up_fake, tear_down_fake),
        cmocka_unit_test(every_status_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
