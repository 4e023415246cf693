/* From the shapes of files and the options to a descriptor, for every operator; and what does not fit is named
 * with both shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/problem.h"
#include "support/capture.h"
#include "support/tensor_files.h"

#include <stdio.h>
#include <string.h>

/* Shapes of the files, NULL for none, and options. */
struct given {
    const char *form, *input, *weight, *pointwise, *bias, *scale, *shift, *residual;
    struct run_settings options; /* dtype and layout 0 are f32 and nchw */
};

static int load(struct folder *folder, const struct given *g, struct run_settings *settings,
                struct problem *problem)
{
    const char *const shapes[TENSOR_FILES] = {g->input, g->weight, g->pointwise, g->bias,
                                              g->scale, g->shift,  g->residual};
    static char paths[TENSOR_FILES][128];
    *settings = g->options;
    settings->overrides.accuracy = settings->overrides.isa = -1;
    for (enum tensor_file i = 0; i < TENSOR_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s.npy", file_option(i));
        const char *path = tensor_file(folder, name, CJ_F32, shapes[i]);
        if (path)
            snprintf(paths[i], sizeof paths[i], "%s", path);
        settings->path[i] = path ? paths[i] : NULL;
    }
    return problem_load(form_by_name(g->form), settings, problem);
}

static const struct {
    struct given given;
    int64_t batch;
    const char *output; /* its shape */
    cj_conv_desc desc;
} rows[] = {
    {{"conv2d", .input = "2,3,8,9", .weight = "5,3,3,2"},
     2,
     "2,5,6,8",
     {.rank = 2, .in_channels = 3, .out_channels = 5, .groups = 1, .input = {8, 9}, .kernel = {3, 2}}},
    /* Without a batch dimension; the output has none either. */
    {{"conv2d", .input = "3,8,9", .weight = "5,3,3,2"},
     1,
     "5,6,8",
     {.rank = 2, .in_channels = 3, .out_channels = 5, .groups = 1, .input = {8, 9}, .kernel = {3, 2}}},
    {{"conv1d", .input = "0,4,7", .weight = "6,2,3", .bias = "6", .options = {.groups = 2, .stride = {1, {2}}}},
     0,
     "0,6,3",
     {.rank = 1,
      .in_channels = 4,
      .out_channels = 6,
      .groups = 2,
      .input = {7},
      .kernel = {3},
      .stride = {2},
      .bias = 1}},
    {{"conv3d", .input = "1,2,4,5,6", .weight = "3,2,1,2,3",
      .options = {.stride = {3, {1, 2, 3}},
                  .dilation = {1, {2}},
                  .padding = {CJ_PAD_EXPLICIT, {3, {0, 1, 2}}, {3, {2, 1, 0}}}}},
     1,
     "1,3,6,3,2",
     {.rank = 3,
      .in_channels = 2,
      .out_channels = 3,
      .groups = 1,
      .input = {4, 5, 6},
      .kernel = {1, 2, 3},
      .stride = {1, 2, 3},
      .dilation = {2, 2, 2},
      .pad_lo = {0, 1, 2},
      .pad_hi = {2, 1, 0}}},
    /* Channels last: weights stay in their order. */
    {{"conv2d", .input = "2,8,9,3", .weight = "5,3,3,2",
      .options = {.overrides.layout = CJ_NHWC, .padding.automatic = CJ_PAD_SAME}},
     2,
     "2,8,9,5",
     {.rank = 2,
      .in_channels = 3,
      .out_channels = 5,
      .groups = 1,
      .input = {8, 9},
      .kernel = {3, 2},
      .auto_pad = CJ_PAD_SAME,
      .input_layout = CJ_NHWC,
      .output_layout = CJ_NHWC}},
    {{"conv_transpose2d", .input = "1,4,3,3", .weight = "4,3,2,2",
      .options = {.groups = 2, .stride = {1, {2}}, .output_padding = {2, {1, 0}}}},
     1,
     "1,6,7,6",
     {.op = CJ_CONV_TRANSPOSE,
      .rank = 2,
      .in_channels = 4,
      .out_channels = 6,
      .groups = 2,
      .input = {3, 3},
      .kernel = {2, 2},
      .stride = {2, 2},
      .output_padding = {1, 0}}},
    {{"conv_transpose1d", .input = "4,3", .weight = "4,3,2",
      .options = {.stride = {1, {2}}, .output_size = {1, {7}}}},
     1,
     "3,7",
     {.op = CJ_CONV_TRANSPOSE,
      .rank = 1,
      .in_channels = 4,
      .out_channels = 3,
      .groups = 1,
      .input = {3},
      .kernel = {2},
      .stride = {2},
      .output_size = {7}}},
    {{"conv_transpose3d", .input = "1,2,3,3,3", .weight = "2,3,1,1,1"},
     1,
     "1,3,3,3,3",
     {.op = CJ_CONV_TRANSPOSE,
      .rank = 3,
      .in_channels = 2,
      .out_channels = 3,
      .groups = 1,
      .input = {3, 3, 3},
      .kernel = {1, 1, 1}}},
    {{"depthwise_conv2d", .input = "1,4,8,8", .weight = "8,1,3,3",
      .options = {.pad_mode = CJ_PAD_REFLECT, .padding = {CJ_PAD_EXPLICIT, {1, {1}}, {1, {1}}}}},
     1,
     "1,8,8,8",
     {.rank = 2,
      .in_channels = 4,
      .out_channels = 8,
      .groups = 4,
      .input = {8, 8},
      .kernel = {3, 3},
      .pad_lo = {1, 1},
      .pad_hi = {1, 1},
      .pad_mode = CJ_PAD_REFLECT}},
    {{"depthwise_conv1d", .input = "4,8", .weight = "4,1,3", .options = {.groups = 4}},
     1,
     "4,6",
     {.rank = 1, .in_channels = 4, .out_channels = 4, .groups = 4, .input = {8}, .kernel = {3}}},
    {{"depthwise_conv3d", .input = "1,2,3,3,3", .weight = "2,1,3,3,3"},
     1,
     "1,2,1,1,1",
     {.rank = 3, .in_channels = 2, .out_channels = 2, .groups = 2, .input = {3, 3, 3}, .kernel = {3, 3, 3}}},
    {{"separable_conv2d", .input = "1,4,8,8", .weight = "8,1,3,3", .pointwise = "5,8,1,1", .bias = "5"},
     1,
     "1,5,6,6",
     {.op = CJ_SEPARABLE,
      .rank = 2,
      .in_channels = 4,
      .out_channels = 5,
      .groups = 4,
      .multiplier = 2,
      .input = {8, 8},
      .kernel = {3, 3},
      .bias = 1}},
    {{"separable_conv1d", .input = "1,4,8", .weight = "4,1,3", .pointwise = "5,4,1"},
     1,
     "1,5,6",
     {.op = CJ_SEPARABLE,
      .rank = 1,
      .in_channels = 4,
      .out_channels = 5,
      .groups = 4,
      .multiplier = 1,
      .input = {8},
      .kernel = {3}}},
    {{"separable_conv3d", .input = "1,1,3,3,3", .weight = "3,1,1,1,1", .pointwise = "2,3,1,1,1"},
     1,
     "1,2,3,3,3",
     {.op = CJ_SEPARABLE,
      .rank = 3,
      .in_channels = 1,
      .out_channels = 2,
      .groups = 1,
      .multiplier = 3,
      .input = {3, 3, 3},
      .kernel = {1, 1, 1}}},
    /* What follows the sum, in its order: scale and shift, residual, activation. */
    {{"conv2d", .input = "2,3,4,4", .weight = "5,3,1,1", .scale = "5", .shift = "5", .residual = "2,5,4,4",
      .options = {.activation = {CJ_POST_CLAMP, -1, 2}}},
     2,
     "2,5,4,4",
     {.rank = 2,
      .in_channels = 3,
      .out_channels = 5,
      .groups = 1,
      .input = {4, 4},
      .kernel = {1, 1},
      .post = {{.kind = CJ_POST_SCALE_SHIFT}, {.kind = CJ_POST_RESIDUAL}, {CJ_POST_CLAMP, -1, 2}}}},
};

static void shapes_and_options_make_the_descriptor(void **state)
{
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run_settings settings;
        struct problem problem;
        struct npy output;
        char shape[100] = "";
        if (load(folder, &rows[i].given, &settings, &problem) != EXIT_DONE)
            fail_msg("row %zu, %s", i, rows[i].given.form);
        if (memcmp(&problem.desc, &rows[i].desc, sizeof problem.desc) != 0 || problem.batch != rows[i].batch) {
            char text[400] = "";
            cj_desc_print(&problem.desc, problem.batch, text, sizeof text);
            fail_msg("row %zu, %s: %s", i, rows[i].given.form, text);
        }
        assert_int_equal(problem_output(&problem, &settings, &output), EXIT_DONE);
        for (int d = 0; d < output.rank; d++)
            sprintf(shape + strlen(shape), d ? ",%d" : "%d", (int)output.shape[d]);
        assert_string_equal(shape, rows[i].output);
        problem_free(&problem);
    }
}

static const struct {
    struct given given;
    const char *named[3];
} wrong[] = {
    {{"conv2d", .input = "3,8", .weight = "5,3,3,3"}, {"--input", "(3, 8)", "(n, c, h, w)"}},
    {{"conv2d", .input = "1,1,3,8,8", .weight = "5,3,3,3"}, {"--input", "(1, 1, 3, 8, 8)", "without n"}},
    {{"conv1d", .input = "", .weight = "5,3,3"}, {"--input", "()", "(n, c, w)"}},
    {{"conv2d", .input = "1,0,8,8", .weight = "5,3,3,3"}, {"--input", "(1, 0, 8, 8)", "no size but n 0"}},
    {{"conv2d", .input = "1,8,8,3", .weight = "5,8,3", .options.overrides.layout = CJ_NHWC},
     {"--weight", "(5, 8, 3)", "(out, in/groups=3, kernel, kernel)"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,4,3,3"}, {"--weight", "(5, 4, 3, 3)", "in/groups=3"}},
    {{"conv2d", .input = "1,4,8,8", .weight = "5,2,3,3", .options.groups = 2},
     {"--weight", "5 output channels", "2 groups"}},
    {{"conv2d", .input = "1,4,8,8", .weight = "5,2,3,3", .options.groups = 3}, {"--groups is 3", "4 channels"}},
    {{"conv2d", .input = "1,4,8,8", .weight = "0,4,3,3"}, {"--weight", "(0, 4, 3, 3)"}},
    {{"conv_transpose2d", .input = "1,4,8,8", .weight = "5,4,3,3"}, {"--weight", "(5, 4, 3, 3)", "in=4"}},
    {{"depthwise_conv2d", .input = "1,4,8,8", .weight = "4,4,3,3"},
     {"--weight", "(4, 4, 3, 3)", "in/groups=1"}},
    {{"depthwise_conv2d", .input = "1,4,8,8", .weight = "6,1,3,3"},
     {"--weight", "6 output channels", "4 groups"}},
    {{"depthwise_conv2d", .input = "1,4,8,8", .weight = "4,1,3,3", .options.groups = 2},
     {"--groups is 2", "depthwise_conv2d"}},
    {{"separable_conv2d", .input = "1,4,8,8", .weight = "4,1,3,3", .pointwise = "5,8,1,1"},
     {"--pointwise", "(5, 8, 1, 1)", "in*multiplier=4"}},
    {{"separable_conv2d", .input = "1,4,8,8", .weight = "4,1,3,3", .pointwise = "5,4,2,1"},
     {"--pointwise", "(5, 4, 2, 1)", "kernel=1"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .bias = "4"}, {"--bias", "(4,)", "(out=5)"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .bias = "1,5"}, {"--bias", "(1, 5)", "(out=5)"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .scale = "5", .shift = "3"},
     {"--shift", "(3,)", "(out=5)"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .options.stride = {3, {1, 1, 1}}},
     {"--stride has 3", "2"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3",
      .options.padding = {.front.count = 3, .back.count = 3}},
     {"--padding has 3", "2"}},
    {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .options.output_padding = {1, {1}}},
     {"--output-padding", "conv2d"}},
    {{"separable_conv2d", .input = "1,4,8,8", .weight = "4,1,3,3", .pointwise = "5,4,1,1",
      .options.output_size = {1, {9}}},
     {"--output-size", "separable_conv2d"}},
    {{"conv_transpose2d", .input = "1,4,8,8", .weight = "4,5,3,3", .options.pad_mode = CJ_PAD_CIRCULAR},
     {"--padding-mode is circular", "zeros"}},
};

static void what_does_not_fit_is_named(void **state)
{
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct run_settings settings;
        struct problem problem;
        char text[1000];
        capture_begin();
        int status = load(folder, &wrong[i].given, &settings, &problem);
        int lines = capture_end(text, sizeof text);
        if (status != EXIT_WRONG || lines != 1)
            fail_msg("row %zu: status %d, %d lines: %s", i, status, lines, text);
        for (int j = 0; j < 3 && wrong[i].named[j]; j++)
            if (!strstr(text, wrong[i].named[j]))
                fail_msg("row %zu: \"%s\" does not name %s", i, text, wrong[i].named[j]);
    }
}

/* Seen only when the output's size is known. */
static void residuals_and_empty_outputs_are_named(void **state)
{
    struct folder *folder = *state;
    static const struct {
        struct given given;
        const char *named[2];
    } late[] = {
        {{"conv2d", .input = "1,3,8,8", .weight = "5,3,3,3", .residual = "1,5,8,8"},
         {"--residual", "(n=1, c=5, h=6, w=6)"}},
        {{"conv2d", .input = "3,8,8", .weight = "5,3,3,3", .residual = "1,5,6,6"},
         {"--residual", "(c=5, h=6, w=6)"}},
        {{"conv2d", .input = "1,3,2,2", .weight = "5,3,3,3"}, {"kernel[0] is 3", "empty"}},
        {{"conv_transpose2d", .input = "1,3,2,2", .weight = "3,5,3,3", .options.output_size = {1, {9}}},
         {"output_size[0] is 9", "4"}},
    };
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct run_settings settings;
        struct problem problem;
        struct npy output;
        char text[1000];
        assert_int_equal(load(folder, &late[i].given, &settings, &problem), EXIT_DONE);
        capture_begin();
        int status = problem_output(&problem, &settings, &output);
        int lines = capture_end(text, sizeof text);
        if (status != EXIT_WRONG || lines != 1 || !strstr(text, late[i].named[0]) ||
            !strstr(text, late[i].named[1]))
            fail_msg("row %zu: status %d, %d lines: %s", i, status, lines, text);
        problem_free(&problem);
    }
}

/* A row of the table below. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(shapes_and_options_make_the_descriptor),
        IN_FOLDER(what_does_not_fit_is_named),
        IN_FOLDER(residuals_and_empty_outputs_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
