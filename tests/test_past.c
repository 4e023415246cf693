/* Results of an earlier run: what is read, and that a complaint names the file, the field and its value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/past.h"
#include "../runtime/cli/cli.h"
#include "support/capture.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE "\"machine\":{\"cpu\":\"a \\\"CPU\\\"\",\"peak_gflops\":118.5}"
#define RESULT(shape, rest) \
    "{\"name\":\"first\",\"shape\":\"" shape "\",\"layout\":\"nhwc\",\"dtype\":\"f64\",\"threads\":2" rest "}"
#define SHAPE "conv2d:n3:c8:o16:i9x9:k3x3"

static int read_text_as_file(struct folder *folder, const char *text, struct past *past)
{
    folder_write(folder, "old", text, strlen(text));
    return past_read(past, folder_path(folder, "old"));
}

static void all_fields_are_read(void **state)
{
    struct past past;
    assert_int_equal(
        read_text_as_file(*state,
                          "{" MACHINE ",\"later\":[null],\"results\":[\n" RESULT(
                              "conv2d:k3:i9:o16:c8:n3", ",\"percent_of_peak\":81.25,\"plan\":\"x\"") ",\n" //
                          RESULT("conv1d:c1:o1:i5:k5", ",\"percent_of_peak\":7") "\n]}\n",
                          &past),
        EXIT_DONE);
    assert_string_equal(past.cpu, "a \"CPU\"");
    assert_true(past.peak_gflops == 118.5);
    assert_int_equal(past.count, 2);
    assert_string_equal(past.at[0].name, "first");
    assert_int_equal(past.at[0].layout, CJ_NHWC);
    assert_int_equal(past.at[0].dtype, CJ_F64);
    assert_int_equal(past.at[0].threads, 2);
    assert_true(past.at[0].percent_of_peak == 81.25);
    assert_true(past.at[1].percent_of_peak == 7);
    past_free(&past);
    assert_null(past.at);
}

/* The text that this version would write for the same convolution. */
static void shapes_are_written_anew(void **state)
{
    struct past past;
    char text[512];
    cj_conv_desc desc = {.rank = 2,
                         .dtype = CJ_F64,
                         .in_channels = 8,
                         .out_channels = 16,
                         .input = {9, 9},
                         .kernel = {3, 3},
                         .input_layout = CJ_NHWC,
                         .output_layout = CJ_NHWC};
    assert_int_equal(cj_desc_print(&desc, 3, text, sizeof text), CJ_OK);
    assert_int_equal(read_text_as_file(*state,
                                       "{" MACHINE ",\"results\":[" RESULT("conv2d:k3x3:i9:o16:c8:n3",
                                                                           ",\"percent_of_peak\":1") "]}",
                                       &past),
                     EXIT_DONE);
    assert_string_equal(past.at[0].shape, text);
    past_free(&past);
}

static const struct {
    const char *text, *named[2];
} wrong[] = {
    {"", {"empty", "--json"}},
    {"{\n\n", {"line 3", "end of data"}},
    {"{\"machine\":1,}", {"line 1", "no JSON"}},
    {"[1]", {"no object", "--json"}},
    {"{} {}", {"line 1", "no JSON"}},
    {"{\"results\":[]}", {"machine is missing", "object"}},
    {"{\"machine\":7}", {"machine is 7", "object"}},
    {"{\"machine\":{\"peak_gflops\":1}}", {"machine.cpu is missing", "text"}},
    {"{\"machine\":{\"cpu\":\"\",\"peak_gflops\":1}}", {"machine.cpu is \"\"", "text"}},
    {"{\"machine\":{\"cpu\":\"x\",\"peak_gflops\":\"1\"}}", {"machine.peak_gflops is \"1\"", "above 0"}},
    {"{\"machine\":{\"cpu\":\"x\",\"peak_gflops\":-1.5}}", {"machine.peak_gflops is -1.5", "above 0"}},
    {"{" MACHINE "}", {"results is missing", "list"}},
    {"{" MACHINE ",\"results\":[]}", {"results is []", "list"}},
    {"{" MACHINE ",\"results\":[3]}", {"results[0]", "no object"}},
    {"{" MACHINE ",\"results\":[{}]}", {"results[0].name is missing", "text"}},
    {"{" MACHINE ",\"results\":[" RESULT(SHAPE, "") "]}", {"results[0].percent_of_peak is missing", "above 0"}},
    {"{" MACHINE ",\"results\":[" RESULT(SHAPE, ",\"percent_of_peak\":NaN") "]}",
     {"results[0].percent_of_peak is NaN", "above 0"}},
    {"{" MACHINE ",\"results\":[" RESULT(SHAPE, ",\"percent_of_peak\":1e999") "]}",
     {"results[0].percent_of_peak is ", "above 0"}},
    {"{" MACHINE ",\"results\":[" RESULT(SHAPE, ",\"percent_of_peak\":1") "," //
     RESULT("conv9d", ",\"percent_of_peak\":1") "]}",
     {"results[1].shape is \"conv9d\"", "SHAPE"}},
    {"{" MACHINE ",\"results\":[{\"name\":\"a\",\"shape\":\"" SHAPE "\",\"layout\":\"chwn\"}]}",
     {"results[0].layout is \"chwn\"", "word"}},
    {"{" MACHINE ",\"results\":[{\"name\":\"a\",\"shape\":\"" SHAPE "\",\"layout\":\"nchw\",\"dtype\":1}]}",
     {"results[0].dtype is 1", "word"}},
    {"{" MACHINE ",\"results\":[{\"name\":\"a\",\"shape\":\"" SHAPE
     "\",\"layout\":\"nchw\",\"dtype\":\"f32\",\"threads\":1.5}]}",
     {"results[0].threads is 1.5", "whole number"}},
    {"{" MACHINE ",\"results\":[{\"name\":\"a\",\"shape\":\"" SHAPE
     "\",\"layout\":\"nchw\",\"dtype\":\"f32\",\"threads\":99999999999}]}",
     {"results[0].threads is 99999999999", "whole number"}},
};

static void complaints_name_file_field_and_value(void **state)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct past past;
        char text[2048];
        capture_begin();
        int status = read_text_as_file(*state, wrong[i].text, &past);
        int lines = capture_end(text, sizeof text);
        past_free(&past);
        if (status != EXIT_WRONG || lines != 1 || !strstr(text, "/old"))
            fail_msg("%s: status %d, %d lines: %s", wrong[i].text, status, lines, text);
        for (int j = 0; j < 2; j++)
            if (!strstr(text, wrong[i].named[j]))
                fail_msg("%s: \"%s\" does not say %s", wrong[i].text, text, wrong[i].named[j]);
    }
}

static void wrong_paths_are_refused(void **state)
{
    struct folder *folder = *state;
    struct past past;
    char text[512];
    for (int i = 0; i < 2; i++) {
        capture_begin();
        assert_int_equal(past_read(&past, i ? folder->path : folder_path(folder, "none")), EXIT_WRONG);
        assert_int_equal(capture_end(text, sizeof text), 1);
        assert_non_null(strstr(text, folder->path));
        past_free(&past);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(all_fields_are_read),
        IN_FOLDER(shapes_are_written_anew),
        IN_FOLDER(complaints_name_file_field_and_value),
        IN_FOLDER(wrong_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
