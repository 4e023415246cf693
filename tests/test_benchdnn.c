/* oneDNN's problem strings against descriptors written by hand and against its own rule for output sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/benchdnn.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *text;
    int64_t batch;
    cj_conv_desc desc;
};

static const struct row rows[] = {
    /* Dilation counts the gaps: dh1 is 2 elements from tap to tap. An absent w copies h. */
    {"g1mb2_ic64ih56_oc32oh54_kh3sh1dh1ph1",
     2,
     {.rank = 2,
      .in_channels = 64,
      .out_channels = 32,
      .groups = 1,
      .input = {56, 56},
      .kernel = {3, 3},
      .stride = {1, 1},
      .dilation = {2, 2},
      .pad_lo = {1, 1},
      .pad_hi = {1, 1}}},
    /* A w of its own. */
    {"mb1_ic3ih10iw12_oc8oh5ow12_kh3kw1sh2sw1ph1pw0",
     1,
     {.rank = 2,
      .in_channels = 3,
      .out_channels = 8,
      .groups = 1,
      .input = {10, 12},
      .kernel = {3, 1},
      .stride = {2, 1},
      .dilation = {1, 1},
      .pad_lo = {1, 0},
      .pad_hi = {0, 0}}},
    /* The output decides the padding behind: 7 + front 0 + behind 2 is what 7 outputs of 3 taps need. */
    {"ic4ih7oc4oh7kh3ph0",
     1,
     {.rank = 2,
      .in_channels = 4,
      .out_channels = 4,
      .groups = 1,
      .input = {7, 7},
      .kernel = {3, 3},
      .stride = {1, 1},
      .dilation = {1, 1},
      .pad_hi = {2, 2}}},
    /* Without an output the padding is the same on both sides. */
    {"g4ic8ih9oc12kh3ph1",
     1,
     {.rank = 2,
      .in_channels = 8,
      .out_channels = 12,
      .groups = 4,
      .input = {9, 9},
      .kernel = {3, 3},
      .stride = {1, 1},
      .dilation = {1, 1},
      .pad_lo = {1, 1},
      .pad_hi = {1, 1}}},
    {"mb1ic16iw100oc16ow49kw4sw2pw0n\"audio:1\"",
     1,
     {.rank = 1,
      .in_channels = 16,
      .out_channels = 16,
      .groups = 1,
      .input = {100},
      .kernel = {4},
      .stride = {2},
      .dilation = {1}}},
    {"mb8_ic2id5ih6iw7_oc3od5oh6ow7_kd3kh3kw3_pd1ph1pw1",
     8,
     {.rank = 3,
      .in_channels = 2,
      .out_channels = 3,
      .groups = 1,
      .input = {5, 6, 7},
      .kernel = {3, 3, 3},
      .stride = {1, 1, 1},
      .dilation = {1, 1, 1},
      .pad_lo = {1, 1, 1},
      .pad_hi = {1, 1, 1}}},
    /* What a stride leaves over at the end is no padding: (8 - 2) / 3 + 1 = 3 outputs reach 8 of 9 elements. */
    {"ic1ih9oc1oh3kh2sh3ph0",
     1,
     {.rank = 2,
      .in_channels = 1,
      .out_channels = 1,
      .groups = 1,
      .input = {9, 9},
      .kernel = {2, 2},
      .stride = {3, 3},
      .dilation = {1, 1}}},
};

static void strings_mean_what_oneDNN_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cj_conv_desc desc;
        int64_t batch = -1;
        assert_true(benchdnn_looks_like(rows[i].text));
        cj_status status = cj_desc_parse(rows[i].text, &desc, &batch);
        if (status != CJ_OK)
            fail_msg("%s: %s", rows[i].text, cj_last_error());
        if (batch != rows[i].batch || memcmp(&desc, &rows[i].desc, sizeof desc) != 0) {
            char text[400] = "";
            cj_desc_print(&desc, batch, text, sizeof text);
            fail_msg("%s is read as %s", rows[i].text, text);
        }
    }
}

/* oneDNN: O = (I - ((K - 1) * (D + 1) + 1) + PL + PR) / S + 1. For every output that some padding behind gives,
 * the convolution must have exactly that output. */
static void the_output_is_the_one_that_is_named(void **state)
{
    (void)state;
    int tried = 0;
    for (int code = 0; code < 9 * 4 * 3 * 3 * 3 * 4; code++) {
        int in = 1 + code % 9, kernel = 1 + code / 9 % 4, stride = 1 + code / 36 % 3, gap = code / 108 % 3;
        int front = code / 324 % 3, behind = code / 972;
        int room = in - ((kernel - 1) * (gap + 1) + 1) + front + behind;
        char text[128];
        if (room < 0)
            continue;
        int out = room / stride + 1;
        snprintf(text, sizeof text, "ic1ih%doc1oh%dkh%dsh%ddh%dph%d", in, out, kernel, stride, gap, front);
        cj_conv_desc desc;
        int64_t batch, output[3];
        cj_status status = cj_desc_parse(text, &desc, &batch);
        if (status == CJ_OK)
            status = cj_output_size(&desc, output);
        if (status != CJ_OK || output[0] != out || output[1] != out)
            fail_msg("%s: %s", text, status == CJ_OK ? "has another output" : cj_last_error());
        assert_int_equal(desc.pad_lo[0], front);
        tried++;
    }
    assert_true(tried > 1000);
}

static void errors_name_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *named;
    } wrong[] = {
        {"ic8ih7oc8kh3kh5", "\"kh\""},
        {"ic8ih7oc8kh3xx5", "\"xx5\""},
        {"ic8ih7oc8kh", "\"kh\""},
        {"ic8ih7oc8kh-3", "\"kh-3\""},
        {"ih7oc8kh3", "ic and oc"},
        {"ic8ih7kh3", "ic and oc"},
        {"ic0ih7oc8kh3", "ic"},
        {"ic8ih7oc8oh3kh3ph1", "\"oh3\""},
        {"ic8ih7oc8oh0kh3", "\"oh0\""},
        {"ic8ih7oc8kh0", "\"kh0\""},
        {"ic8ih7oc8kh3sh0", "\"sh0\""},
        {"ic8ih7oc8kh99999999999999999999", "\"kh\""},
        {"ic8ih7oc8kh3n\"open", "\"n\"open\""},
        {"ic8ih7oc8kh3n\"a\"b", "\"n\"a\"b\""},
        {"ic8ih7oc8kh3name", "\"name\""},
        {"ic8ih7oc8kh3n", "\"n\""},
        {"ic8ih7oc8kh3n\"", "\"n\"\""},
        {"ic8ih7oc8kh3n\"a\"b\"", "\"n\"a\"b\"\""},
        {"ic8ih7oc8kh3:s1", "\":s1\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cj_conv_desc desc;
        int64_t batch;
        if (cj_desc_parse(wrong[i].text, &desc, &batch) != CJ_INVALID)
            fail_msg("%s is taken", wrong[i].text);
        if (!strstr(cj_last_error(), wrong[i].named))
            fail_msg("%s: \"%s\" does not name %s", wrong[i].text, cj_last_error(), wrong[i].named);
    }
}

/* Every field in turn at the ends of its type: a status, and under a sanitizer no overflow. */
static void numbers_at_the_ends_do_no_harm(void **state)
{
    (void)state;
    static const char *const fields[] = {"g",  "mb", "ic", "oc", "ih", "iw", "id", "oh", "ow", "kh", "kw",
                                         "kd", "sh", "sw", "sd", "dh", "dw", "dd", "ph", "pw", "pd", "od"};
    static const char *const values[] = {"9223372036854775807", "4611686018427387904", "0",
                                         "1152921504606846976"};
    static const char *const rest[] = {
        "",      "oh5", "oh9223372036854775807", "kh0", "sh0", "dh9223372036854775807", "ih9223372036854775807",
        "kd2id3"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++)
            for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) {
                cj_conv_desc desc;
                int64_t batch, output[3];
                char text[256];
                snprintf(text, sizeof text, "%s%sic4oc4%s", fields[i], values[j], rest[k]);
                if (cj_desc_parse(text, &desc, &batch) == CJ_OK)
                    cj_output_size(&desc, output);
                snprintf(text, sizeof text, "ic4oc4ih7kh3%s%s%s", fields[i], values[j], rest[k]);
                if (cj_desc_parse(text, &desc, &batch) == CJ_OK)
                    cj_output_size(&desc, output);
            }
}

static void our_own_form_is_not_taken_for_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"conv2d:n1:c4:o4:i7:k3",
                                        "depthwise_conv1d:c4:i7:k3",
                                        "",
                                        "n\"name\"",
                                        "separable_conv3d:c4",
                                        "g",
                                        "ic",
                                        "oc:1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(benchdnn_looks_like(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_mean_what_oneDNN_means),
        cmocka_unit_test(the_output_is_the_one_that_is_named),
        cmocka_unit_test(errors_name_the_field),
        cmocka_unit_test(numbers_at_the_ends_do_no_harm),
        cmocka_unit_test(our_own_form_is_not_taken_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
