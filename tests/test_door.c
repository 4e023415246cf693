/* Every way that the code generator can be the wrong file, and the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/door.h"
#include "support/fixture.h"

#include <string.h>

/* Open a door for build "fake". */
static cj_status open_once(const char *path, const struct plugin **plugin)
{
    struct door door;
    door_init(&door, path, "fake");
    cj_status status = door_open(&door, plugin);
    door_free(&door);
    return status;
}

static void expect_sentence(const char *path, const char *part)
{
    const struct plugin *plugin = NULL;
    assert_int_equal(open_once(path, &plugin), CJ_NO_CODEGEN);
    assert_null(plugin);
    if (!strstr(cj_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", cj_last_error(), part);
    assert_non_null(strstr(cj_last_error(), path));
}

static void wrong_files_are_refused_with_the_reason(void **state)
{
    (void)state;
    expect_sentence("/nowhere/at/all.so", "No such file or directory");
    expect_sentence("/proc/self/status", "invalid ELF header");
    expect_sentence(fixture_path("not_a_plugin"), "is not a code generator: ");
    expect_sentence(fixture_path("plugin_other_abi"), "has interface 2; this libconvjit needs 1");
    expect_sentence(fixture_path("plugin_other_build"),
                    "is of build of-other-sources; this libconvjit needs fake");
}

static void the_right_one_is_loaded_once(void **state)
{
    (void)state;
    struct door door;
    const struct plugin *first, *second;
    door_init(&door, fixture_path("fake_plugin"), "fake");
    assert_int_equal(door_open(&door, &first), CJ_OK);
    assert_string_equal(first->codegen_id, "fake");
    door.path = "/nowhere/at/all.so";
    assert_int_equal(door_open(&door, &second), CJ_OK);
    assert_ptr_equal(first, second);
    door_free(&door);
}

static void a_failure_is_not_remembered(void **state)
{
    (void)state;
    struct door door;
    const struct plugin *plugin;
    door_init(&door, "/nowhere/at/all.so", "fake");
    assert_int_equal(door_open(&door, &plugin), CJ_NO_CODEGEN);
    door.path = fixture_path("fake_plugin");
    assert_int_equal(door_open(&door, &plugin), CJ_OK);
    door_free(&door);
}

/* No build has this id, so the answer is no, whether or not a plug-in lies beside this program. */
static void without_a_path_it_is_sought_beside_the_library(void **state)
{
    (void)state;
    const struct plugin *plugin;
    assert_int_equal(open_once(NULL, &plugin), CJ_NO_CODEGEN);
    assert_non_null(strstr(cj_last_error(), "libconvjit-codegen.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_refused_with_the_reason),
        cmocka_unit_test(the_right_one_is_loaded_once),
        cmocka_unit_test(a_failure_is_not_remembered),
        cmocka_unit_test(without_a_path_it_is_sought_beside_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
