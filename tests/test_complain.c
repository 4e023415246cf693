/* Failures as one line and one exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/cli.h"
#include "support/capture.h"

#include <errno.h>
#include <string.h>

static void a_complaint_is_one_line_whatever_is_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *value, *line;
    } rows[] = {
        {"plain.npy", "convjit: --input plain.npy is wrong\n"},
        {"two\nlines\r", "convjit: --input two?lines? is wrong\n"},
        {"\x1b[2Jscreen\x7f", "convjit: --input ?[2Jscreen? is wrong\n"},
        {"per%scent", "convjit: --input per%scent is wrong\n"},
        {"gr\xc3\xbc\xc3\x9f", "convjit: --input gr\xc3\xbc\xc3\x9f is wrong\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        capture_begin();
        int status = complain(EXIT_CANNOT, "--input %s is wrong", rows[i].value);
        int lines = capture_end(text, sizeof text);
        assert_int_equal(status, EXIT_CANNOT);
        assert_int_equal(lines, 1);
        assert_string_equal(text, rows[i].line);
    }
}

static void a_long_complaint_is_one_line_too(void **state)
{
    (void)state;
    char value[10000], text[12000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    capture_begin();
    complain(EXIT_WRONG, "--input %s is wrong", value);
    assert_int_equal(capture_end(text, sizeof text), 1);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void statuses_have_their_exits(void **state)
{
    (void)state;
    static const struct {
        cj_status status;
        int exit_status;
    } rows[] = {{CJ_OK, 0},         {CJ_INVALID, 1}, {CJ_UNSUPPORTED, 2}, {CJ_NO_MEMORY, 3},
                {CJ_NO_CODEGEN, 3}, {CJ_COMPILE, 3}, {CJ_SYSTEM, 3},      {(cj_status)99, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(exit_of_status(rows[i].status), rows[i].exit_status);
}

static void wrong_paths_are_not_the_machines_fault(void **state)
{
    (void)state;
    static const int wrong[] = {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, EROFS, ENAMETOOLONG, ELOOP};
    static const int machine[] = {ENOSPC, EIO, ENOMEM, EMFILE, EDQUOT};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(exit_of_errno(wrong[i]), EXIT_WRONG);
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++)
        assert_int_equal(exit_of_errno(machine[i]), EXIT_MACHINE);
}

static void the_librarys_sentence_is_passed_on(void **state)
{
    (void)state;
    cj_conv_desc desc;
    int64_t batch;
    char text[600];
    capture_begin();
    int silent = complain_status(CJ_OK);
    int lines = capture_end(text, sizeof text);
    assert_int_equal(silent, EXIT_DONE);
    assert_int_equal(lines, 0);
    cj_status status = cj_desc_parse("conv2d:c1:o1:i3:k1:z\n9", &desc, &batch);
    capture_begin();
    int loud = complain_status(status);
    lines = capture_end(text, sizeof text);
    assert_int_equal(loud, EXIT_WRONG);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(text, "z?9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complaint_is_one_line_whatever_is_in_it),
        cmocka_unit_test(a_long_complaint_is_one_line_too),
        cmocka_unit_test(statuses_have_their_exits),
        cmocka_unit_test(wrong_paths_are_not_the_machines_fault),
        cmocka_unit_test(the_librarys_sentence_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
