/* Which files a problem needs, and the type that all of them get. Their shapes are tests/test_describe.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/problem.h"
#include "support/capture.h"
#include "support/tensor_files.h"

#include <stdio.h>
#include <string.h>

static void operators_have_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        cj_op op;
        bool depthwise;
    } families[] = {{"conv", CJ_CONV, false},
                    {"conv_transpose", CJ_CONV_TRANSPOSE, false},
                    {"depthwise_conv", CJ_CONV, true},
                    {"separable_conv", CJ_SEPARABLE, false}};
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%dd", families[i / 3].family, i % 3 + 1);
        const struct form *form = form_by_name(name);
        assert_non_null(form);
        assert_string_equal(form->name, name);
        assert_int_equal(form->op, families[i / 3].op);
        assert_int_equal(form->rank, i % 3 + 1);
        assert_int_equal(form->depthwise, families[i / 3].depthwise);
    }
    static const char *const none[] = {"",        "conv",        "conv4d",           "Conv2d",
                                       "conv2d ", "depthwise2d", "conv_transposed2d"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(form_by_name(none[i]));
}

/* Settings whose files lie in the folder, input and weights of a 1-D convolution among them. */
struct files {
    struct run_settings settings;
    char paths[TENSOR_FILES][128];
};

static void put(struct folder *folder, struct files *files, enum tensor_file file, cj_dtype dtype,
                const char *shape)
{
    snprintf(files->paths[file], sizeof files->paths[file], "%s",
             tensor_file(folder, file_option(file), dtype, shape));
    files->settings.path[file] = files->paths[file];
}

static void start(struct folder *folder, struct files *files)
{
    *files = (struct files){.settings.overrides = OVERRIDES_NONE};
    put(folder, files, FILE_INPUT, CJ_F32, "1,4,8");
    put(folder, files, FILE_WEIGHT, CJ_F32, "4,1,3");
}

/* Loading fails with that status, in one line that has both words. */
static void fails(const char *form, const struct files *files, int expected, const char *const named[2])
{
    struct problem problem;
    char text[1000];
    capture_begin();
    int status = problem_load(form_by_name(form), &files->settings, &problem);
    int lines = capture_end(text, sizeof text);
    if (status != expected || lines != 1 || !strstr(text, named[0]) || !strstr(text, named[1]))
        fail_msg("status %d, %d lines: %s", status, lines, text);
}

static void missing_and_needless_files_are_named(void **state)
{
    struct folder *folder = *state;
    struct files files;
    start(folder, &files);
    files.settings.path[FILE_INPUT] = NULL;
    fails("conv1d", &files, EXIT_WRONG, (const char *[2]){"--input", "missing"});
    start(folder, &files);
    files.settings.path[FILE_WEIGHT] = NULL;
    fails("conv1d", &files, EXIT_WRONG, (const char *[2]){"--weight", "missing"});
    start(folder, &files);
    fails("separable_conv1d", &files, EXIT_WRONG, (const char *[2]){"--pointwise", "missing"});
    put(folder, &files, FILE_POINTWISE, CJ_F32, "4,4,1");
    fails("depthwise_conv1d", &files, EXIT_WRONG, (const char *[2]){"--pointwise", "depthwise_conv1d"});
    start(folder, &files);
    put(folder, &files, FILE_SCALE, CJ_F32, "4");
    fails("depthwise_conv1d", &files, EXIT_WRONG, (const char *[2]){"--shift", "missing"});
    start(folder, &files);
    put(folder, &files, FILE_SHIFT, CJ_F32, "4");
    fails("depthwise_conv1d", &files, EXIT_WRONG, (const char *[2]){"--scale", "missing"});
}

static void files_that_cannot_be_read_are_named_by_option(void **state)
{
    struct folder *folder = *state;
    static const char integers[] =
        "\x93NUMPY\x01\x00\x3b\x00{'descr': '<i4', 'fortran_order': False, 'shape': (4,), }    ";
    struct files files;
    for (enum tensor_file file = 0; file < TENSOR_FILES; file++) {
        char option[32];
        snprintf(option, sizeof option, "--%s ", file_option(file));
        const char *form = file == FILE_POINTWISE ? "separable_conv1d" : "depthwise_conv1d";
        start(folder, &files);
        if (file == FILE_SCALE || file == FILE_SHIFT) {
            put(folder, &files, FILE_SCALE, CJ_F32, "4");
            put(folder, &files, FILE_SHIFT, CJ_F32, "4");
        }
        files.settings.path[file] = "/no/such/file.npy";
        fails(form, &files, EXIT_WRONG, (const char *[2]){option, "/no/such/file.npy"});
        folder_write(folder, "integers.npy", integers, sizeof integers - 1);
        files.settings.path[file] = folder_path(folder, "integers.npy");
        fails(form, &files, EXIT_CANNOT, (const char *[2]){option, "<i4"});
    }
}

static void types_are_not_mixed_unasked(void **state)
{
    struct folder *folder = *state;
    struct files files;
    start(folder, &files);
    put(folder, &files, FILE_BIAS, CJ_F64, "4");
    fails("depthwise_conv1d", &files, EXIT_WRONG, (const char *[2]){"--bias", "--dtype f32"});
}

static void everything_gets_the_type_that_is_asked_for(void **state)
{
    struct folder *folder = *state;
    for (int asked = -1; asked <= CJ_F64; asked++)
        for (cj_dtype stored = CJ_F32; stored <= CJ_F64; stored++) {
            struct files files;
            struct problem problem;
            struct npy output;
            start(folder, &files);
            put(folder, &files, FILE_INPUT, stored, "1,4,8");
            put(folder, &files, FILE_WEIGHT, asked < 0 ? stored : CJ_F32, "4,1,3");
            put(folder, &files, FILE_BIAS, asked < 0 ? stored : CJ_F64, "4");
            files.settings.overrides.dtype = asked;
            cj_dtype expected = asked < 0 ? stored : (cj_dtype)asked;
            assert_int_equal(problem_load(form_by_name("depthwise_conv1d"), &files.settings, &problem),
                             EXIT_DONE);
            assert_int_equal(problem.desc.dtype, expected);
            assert_int_equal(problem.tensor[FILE_INPUT].dtype, expected);
            assert_int_equal(problem.tensor[FILE_WEIGHT].dtype, expected);
            assert_int_equal(problem.tensor[FILE_BIAS].dtype, expected);
            assert_int_equal(problem_output(&problem, &files.settings, &output), EXIT_DONE);
            assert_int_equal(output.dtype, expected);
            problem_free(&problem);
        }
}

/* Blocks of channels are the kernel's: files, and the output, have the shapes of nchw. */
static void the_blocked_layout_leaves_files_as_they_are(void **state)
{
    struct folder *folder = *state;
    struct files files;
    struct problem problem;
    struct npy plain, blocked;
    start(folder, &files);
    assert_int_equal(problem_load(form_by_name("depthwise_conv1d"), &files.settings, &problem), EXIT_DONE);
    assert_int_equal(problem_output(&problem, &files.settings, &plain), EXIT_DONE);
    problem_free(&problem);
    files.settings.overrides.layout = CJ_NCHWC;
    assert_int_equal(problem_load(form_by_name("depthwise_conv1d"), &files.settings, &problem), EXIT_DONE);
    assert_int_equal(problem.desc.input_layout, CJ_NCHWC);
    assert_int_equal(problem_output(&problem, &files.settings, &blocked), EXIT_DONE);
    assert_int_equal(blocked.rank, plain.rank);
    assert_memory_equal(blocked.shape, plain.shape, (size_t)plain.rank * sizeof *plain.shape);
    problem_free(&problem);
}

/* A row of the table below. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_have_their_names),
        IN_FOLDER(missing_and_needless_files_are_named),
        IN_FOLDER(files_that_cannot_be_read_are_named_by_option),
        IN_FOLDER(types_are_not_mixed_unasked),
        IN_FOLDER(everything_gets_the_type_that_is_asked_for),
        IN_FOLDER(the_blocked_layout_leaves_files_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
