/* Lists of convolutions to measure: both forms of files, and complaints that say where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/shapes_file.h"
#include "support/capture.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct overrides none = OVERRIDES_NONE;

static int read_text_as_file(struct folder *folder, const char *text, struct layer_list *list)
{
    folder_write(folder, "shapes", text, strlen(text));
    *list = (struct layer_list){0};
    return layers_read(list, folder_path(folder, "shapes"), &none);
}

static void a_list_has_a_shape_on_each_line(void **state)
{
    struct folder *folder = *state;
    struct layer_list list;
    assert_int_equal(read_text_as_file(folder,
                                       "# a comment\n\nconv2d:n3:c8:o16:i9x7:k3x1:p1x0\r\n"
                                       "mb2_ic4ih5_oc6oh5_kh3ph1n\"named\"\n#end\nconv1d:c1:o1:i5:k5",
                                       &list),
                     EXIT_DONE);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.at[0].name, "conv2d:n3:c8:o16:i9x7:k3x1:p1x0");
    assert_int_equal(list.at[0].batch, 3);
    assert_int_equal(list.at[0].desc.in_channels, 8);
    assert_int_equal(list.at[0].desc.pad_hi[0], 1);
    assert_string_equal(list.at[1].name, "named");
    assert_int_equal(list.at[1].batch, 2);
    assert_int_equal(list.at[1].desc.out_channels, 6);
    assert_int_equal(list.at[2].desc.rank, 1);
    layers_free(&list);
    assert_null(list.at);
}

static void a_table_names_its_columns(void **state)
{
    struct folder *folder = *state;
    struct layer_list list;
    assert_int_equal(
        read_text_as_file(
            folder,
            "name\tkind\tother\tmb\tg\tic\toc\tid\tih\tiw\tkd\tkh\tkw\tsd\tsh\tsw\tpd\tph\tpw\tpd_r\tph_r\tpw_"
            "r\tdd\tdh\tdw\topd\toph\topw\n"
            "first\tconv\tx\t2\t4\t8\t12\t5\t6\t7\t1\t2\t3\t1\t2\t3\t0\t1\t2\t3\t1\t0\t1\t1\t2\t0\t0\t0\n"
            "second "
            "one\tdeconv\t\t1\t1\t8\t12\t1\t6\t7\t1\t2\t3\t1\t2\t3\t0\t0\t0\t0\t0\t0\t1\t1\t1\t0\t1\t2\n",
            &list),
        EXIT_DONE);
    assert_int_equal(list.count, 2);
    static const cj_conv_desc first = {.rank = 3,
                                       .in_channels = 8,
                                       .out_channels = 12,
                                       .groups = 4,
                                       .input = {5, 6, 7},
                                       .kernel = {1, 2, 3},
                                       .stride = {1, 2, 3},
                                       .pad_lo = {0, 1, 2},
                                       .pad_hi = {3, 1, 0},
                                       .dilation = {1, 1, 2}};
    assert_memory_equal(&list.at[0].desc, &first, sizeof first);
    assert_int_equal(list.at[0].batch, 2);
    assert_string_equal(list.at[0].name, "first");
    assert_string_equal(list.at[1].name, "second one");
    assert_int_equal(list.at[1].desc.op, CJ_CONV_TRANSPOSE);
    assert_int_equal(list.at[1].desc.output_padding[1], 1);
    assert_int_equal(list.at[1].desc.output_padding[2], 2);
    layers_free(&list);
}

/* Columns in any order; steps and padding that have no column are 1 and 0; without names the SHAPE is the name.
 */
static void a_table_may_leave_out_what_has_a_default(void **state)
{
    struct folder *folder = *state;
    struct layer_list list;
    assert_int_equal(read_text_as_file(folder,
                                       "iw\tih\tid\tkw\tkh\tkd\toc\tic\tg\tmb\tkind\n"
                                       "7\t6\t1\t3\t2\t1\t4\t2\t1\t5\tconv\n",
                                       &list),
                     EXIT_DONE);
    int64_t output[3];
    assert_int_equal(list.count, 1);
    assert_int_equal(list.at[0].batch, 5);
    assert_int_equal(cj_output_size(&list.at[0].desc, output), CJ_OK);
    assert_int_equal(output[0], 1);
    assert_int_equal(output[1], 5);
    assert_int_equal(output[2], 5);
    assert_true(strncmp(list.at[0].name, "conv3d:", 7) == 0);
    layers_free(&list);
}

static void every_layer_of_the_given_table_is_read(void **state)
{
    (void)state;
    struct layer_list list = {0};
    assert_int_equal(layers_read(&list, TEST_SOURCE_DIR "/../bench/shapes/given.tsv", &none), EXIT_DONE);
    assert_int_equal(list.count, 69);
    assert_string_equal(list.at[0].name, "rn50_conv1_7x7s2");
    assert_true(list.at[0].peers.nchw_us == 1095.7 && list.at[0].peers.nhwc_us == 978);
    assert_true(list.at[0].peers.best_us == 978 && list.at[0].peers.peak_gflops == 246);
    for (int i = 0; i < list.count; i++) {
        int64_t output[3];
        assert_int_equal(cj_output_size(&list.at[i].desc, output), CJ_OK);
    }
    layers_free(&list);
}

static void overrides_reach_every_shape(void **state)
{
    struct folder *folder = *state;
    struct overrides overrides = OVERRIDES_NONE;
    struct layer_list list = {0};
    overrides.dtype = CJ_F64;
    overrides.layout = CJ_NHWC;
    folder_write(folder, "shapes", "conv1d:c1:o1:i5:k5\nconv1d:c2:o1:i5:k5\n", 38);
    assert_int_equal(layers_read(&list, folder_path(folder, "shapes"), &overrides), EXIT_DONE);
    assert_int_equal(list.count, 2);
    for (int i = 0; i < list.count; i++) {
        assert_int_equal(list.at[i].desc.dtype, CJ_F64);
        assert_int_equal(list.at[i].desc.input_layout, CJ_NHWC);
        assert_int_equal(list.at[i].desc.output_layout, CJ_NHWC);
    }
    layers_free(&list);
}

/* One line that names what is wrong. */
static void refused(int status, int lines, const char *text, const char *const named[3])
{
    if (status != EXIT_WRONG || lines != 1)
        fail_msg("status %d, %d lines: %s", status, lines, text);
    for (int i = 0; i < 3 && named[i]; i++)
        if (!strstr(text, named[i]))
            fail_msg("\"%s\" does not name %s", text, named[i]);
}

#define COLUMNS "kind\tmb\tg\tic\toc\tid\tih\tiw\tkd\tkh\tkw\n"

static void complaints_name_file_line_and_value(void **state)
{
    struct folder *folder = *state;
    static const struct {
        const char *text, *named[3];
    } rows[] = {
        {"conv2d:c1:o1:i5:k3\n\nconv2d:c1:o1:i5:kX\n", {"/shapes, line 3", "\"kX\"", "conv2d:c1:o1:i5:kX"}},
        {"conv2d:c1:o1:i5:k9\n", {"/shapes, line 1", "conv2d:c1:o1:i5:k9", "kernel[0] is 9"}},
        {"nonsense\n", {"/shapes, line 1", "\"nonsense\""}},
        {"conv2d:c1:o1:i5:k3\na\tb\n", {"/shapes, line 2", "tabs"}},
        {COLUMNS "pool\t1\t1\t1\t1\t1\t5\t5\t1\t3\t3\n", {"/shapes, line 2", "kind is pool"}},
        {"mb\tg\n1\t1\n", {"/shapes, line 2", "kind is missing"}},
        {"peer_best_us\t" COLUMNS "12x\tconv\t1\t1\t1\t1\t1\t5\t5\t1\t3\t3\n",
         {"/shapes, line 2", "peer_best_us is 12x", "above 0"}},
        {"peer_peak_gflops\t" COLUMNS "0\tconv\t1\t1\t1\t1\t1\t5\t5\t1\t3\t3\n",
         {"/shapes, line 2", "peer_peak_gflops is 0", "above 0"}},
        {"kind\tmb\nconv\t1\n", {"/shapes, line 2", "column g"}},
        {"kind\tmb\tg\tic\toc\tih\tiw\tkh\tkw\nconv\t1\t1\t1\t1\t5\t5\t3\t3\n",
         {"/shapes, line 2", "column id"}},
        {COLUMNS "conv\t1\t1\t1\t1\t1\t5\t5\t1\t3\n", {"/shapes, line 2", "column kw"}},
        {COLUMNS "conv\t1\t1\t1\t1\t1\t5\t5\t1\t3\tx\n", {"/shapes, line 2", "k1x3xx"}},
        {COLUMNS "conv\t1\t2\t3\t1\t1\t5\t5\t1\t3\t3\n", {"/shapes, line 2", "in_channels is 3"}},
        {COLUMNS "conv2d:c1:o1:i5:k3\n", {"/shapes, line 2", "kind is"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct layer_list list;
        char text[1000];
        capture_begin();
        int status = read_text_as_file(folder, rows[i].text, &list);
        int lines = capture_end(text, sizeof text);
        refused(status, lines, text, rows[i].named);
        layers_free(&list);
    }
}

static void long_lines_and_wrong_paths_are_refused(void **state)
{
    struct folder *folder = *state;
    struct layer_list list = {0};
    char line[6000], text[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    capture_begin();
    int status = read_text_as_file(folder, line, &list);
    int lines = capture_end(text, sizeof text);
    refused(status, lines, text, (const char *[3]){"/shapes, line 1", "4094"});
    layers_free(&list);
    const char *paths[] = {folder_path(folder, "nothing"), folder->path};
    for (int i = 0; i < 2; i++) {
        capture_begin();
        status = layers_read(&list, paths[i], &none);
        lines = capture_end(text, sizeof text);
        refused(status, lines, text, (const char *[3]){"--shapes", paths[i]});
        layers_free(&list);
    }
}

/* Bytes at random: a status, and one line if it is not a good one. */
static void any_bytes_are_survived(void **state)
{
    struct folder *folder = *state;
    static const char seed[] =
        COLUMNS "conv\t1\t1\t1\t1\t1\t5\t5\t1\t3\t3\nconv\t1\t1\t1\t1\t1\t5\t5\t1\t3\t3\n";
    for (size_t at = 0; at < sizeof seed - 1; at++)
        for (int kind = 0; kind < 3; kind++) {
            char bytes[sizeof seed], text[2000];
            struct layer_list list = {0};
            memcpy(bytes, seed, sizeof seed);
            bytes[at] = "\t\n\0"[kind];
            folder_write(folder, "shapes", bytes, sizeof seed - 1);
            capture_begin();
            int status = layers_read(&list, folder_path(folder, "shapes"), &none);
            int lines = capture_end(text, sizeof text);
            assert_true(status == EXIT_DONE ? lines == 0 : status == EXIT_WRONG && lines == 1);
            layers_free(&list);
        }
}

/* A row of the table below. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_list_has_a_shape_on_each_line),
        IN_FOLDER(a_table_names_its_columns),
        IN_FOLDER(a_table_may_leave_out_what_has_a_default),
        cmocka_unit_test(every_layer_of_the_given_table_is_read),
        IN_FOLDER(overrides_reach_every_shape),
        IN_FOLDER(complaints_name_file_line_and_value),
        IN_FOLDER(long_lines_and_wrong_paths_are_refused),
        IN_FOLDER(any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
