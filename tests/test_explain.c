/* An explanation names every algorithm and ends with the plan that would run; it needs no code generator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/context.h"
#include "../src/algo.h"

#include <stdio.h>
#include <string.h>

static const cj_conv_desc desc_3x3 = {.in_channels = 16, .out_channels = 8, .input = {9, 9}, .kernel = {3, 3}};

static int set_up(void **state)
{
    return cj_context_create(&(cj_options){.codegen_path = "/nowhere/at/all.so"}, (cj_context **)state) == CJ_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    cj_context_destroy(*state);
    return 0;
}

/* The line that begins with `name` and a space; fails the test if there is none. */
static const char *line_of(const char *text, const char *name)
{
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
            return line;
    fail_msg("no line of \"%s\" in:\n%s", name, text);
    return NULL;
}

static void every_algorithm_has_a_line(void **state)
{
    char *text;
    assert_int_equal(cj_explain(*state, &desc_3x3, &text), CJ_OK);
    for (int id = 0; id < ALGOS; id++) {
        const char *line = line_of(text, algo_row((enum algo_id)id)->name);
        size_t length = strcspn(line, "\n");
        char copy[1024];
        snprintf(copy, sizeof copy, "%.*s", (int)length, line);
        assert_true(strstr(copy, " declines: it ") || strstr(copy, " us estimated: algorithm="));
    }
    assert_non_null(strstr(line_of(text, "depthwise"), "declines: it "));
    cj_free(text);
}

static void the_choice_is_the_forced_one(void **state)
{
    cj_conv_desc desc = desc_3x3;
    char *text;
    desc.algorithm = "reference";
    assert_int_equal(cj_explain(*state, &desc, &text), CJ_OK);
    assert_non_null(strstr(line_of(text, "chosen"), "algorithm=reference"));
    cj_free(text);
    desc.algorithm = NULL;
    assert_int_equal(cj_explain(*state, &desc, &text), CJ_OK);
    assert_null(strstr(line_of(text, "chosen"), "algorithm=reference"));
    cj_free(text);
}

static void failures_leave_nothing(void **state)
{
    cj_conv_desc desc = desc_3x3;
    char *text = (char *)&desc;
    desc.algorithm = "depthwise";
    assert_int_equal(cj_explain(*state, &desc, &text), CJ_UNSUPPORTED);
    assert_null(text);
    desc.algorithm = "magic";
    assert_int_equal(cj_explain(*state, &desc, &text), CJ_INVALID);
    assert_int_equal(cj_explain(*state, NULL, &text), CJ_INVALID);
    assert_int_equal(cj_explain(NULL, &desc_3x3, &text), CJ_INVALID);
    assert_int_equal(cj_explain(*state, &desc_3x3, NULL), CJ_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_algorithm_has_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_choice_is_the_forced_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_leave_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
