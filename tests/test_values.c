/* Values of options that describe a convolution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/values.h"
#include "support/capture.h"

#include <string.h>

typedef int reader(const struct option_row *row, const char *text, void *into);

static const struct option_row row = {.name = "option"};

/* Every text is refused in one line that names the option and the text. */
static void refuses(reader *read, void *into, const char *const *texts)
{
    for (; *texts; texts++) {
        char text[400];
        capture_begin();
        int status = read(&row, *texts, into);
        int lines = capture_end(text, sizeof text);
        if (status != EXIT_WRONG || lines != 1 || !strstr(text, "--option is ") || !strstr(text, *texts))
            fail_msg("\"%s\": status %d, %d lines: %s", *texts, status, lines, text);
    }
}

static void sizes_are_one_or_one_for_each_dimension(void **state)
{
    (void)state;
    struct sizes s = {0};
    assert_int_equal(read_whole(&row, "2", &s), EXIT_DONE);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.value[0], 2);
    assert_int_equal(read_positive(&row, "3,1,4", &s), EXIT_DONE);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.value[2], 4);
    assert_int_equal(read_whole(&row, "0,7", &s), EXIT_DONE);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.value[0], 0);
    static const char *const wrong[] = {"",     "x",       "-1",  "1,",  ",1",
                                        "1,,2", "1,2,3,4", "1.5", " 1",  "1 ",
                                        "+1",   "1x1",     "0x1", "1;2", "99999999999999999999",
                                        NULL};
    refuses(read_whole, &s, wrong);
    refuses(read_positive, &s, wrong);
    static const char *const not_positive[] = {"0", "1,0", "0,1,1", NULL};
    refuses(read_positive, &s, not_positive);
}

static void counts_are_at_least_one(void **state)
{
    (void)state;
    int64_t count = 0;
    assert_int_equal(read_count(&row, "9223372036854775807", &count), EXIT_DONE);
    assert_int_equal(count, INT64_MAX);
    static const char *const wrong[] = {"", "0", "-3", "1,2", "2x", "9223372036854775808", NULL};
    refuses(read_count, &count, wrong);
}

static void paddings_are_numbers_pairs_or_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct padding padding;
    } good[] = {
        {"1", {CJ_PAD_EXPLICIT, {1, {1}}, {1, {1}}}},
        {"1,2", {CJ_PAD_EXPLICIT, {2, {1, 2}}, {2, {1, 2}}}},
        {"1:2", {CJ_PAD_EXPLICIT, {1, {1}}, {1, {2}}}},
        {"1:2,0:1", {CJ_PAD_EXPLICIT, {2, {1, 0}}, {2, {2, 1}}}},
        {"1:2,3,0:0", {CJ_PAD_EXPLICIT, {3, {1, 3, 0}}, {3, {2, 3, 0}}}},
        {"same", {.automatic = CJ_PAD_SAME}},
        {"same_lower", {.automatic = CJ_PAD_SAME_LOWER}},
        {"valid", {.automatic = CJ_PAD_VALID}},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct padding padding = {0};
        assert_int_equal(read_padding(&row, good[i].text, &padding), EXIT_DONE);
        if (memcmp(&padding, &good[i].padding, sizeof padding) != 0)
            fail_msg("%s is read as something else", good[i].text);
    }
    struct padding padding = {0};
    static const char *const wrong[] = {"",        ":",   "1:",   ":1",  "1:2:3", "1,",   "-1",   "1:-1",
                                        "1,2,3,4", "1x1", "SAME", "sam", "same1", "full", "1 :2", NULL};
    refuses(read_padding, &padding, wrong);
}

static void activations_have_their_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        cj_post post;
    } good[] = {
        {"none", {.kind = CJ_POST_NONE}},
        {"relu", {.kind = CJ_POST_RELU}},
        {"relu6", {.kind = CJ_POST_RELU6}},
        {"leaky_relu:0.125", {CJ_POST_LEAKY_RELU, 0.125, 0}},
        {"leaky_relu:-1e-2", {CJ_POST_LEAKY_RELU, -0.01, 0}},
        {"sigmoid", {.kind = CJ_POST_SIGMOID}},
        {"tanh", {.kind = CJ_POST_TANH}},
        {"silu", {.kind = CJ_POST_SILU}},
        {"gelu", {.kind = CJ_POST_GELU}},
        {"hardswish", {.kind = CJ_POST_HARDSWISH}},
        {"clamp:-1:6.5", {CJ_POST_CLAMP, -1, 6.5}},
        {"clamp:2:2", {CJ_POST_CLAMP, 2, 2}},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cj_post post = {0};
        assert_int_equal(read_activation(&row, good[i].text, &post), EXIT_DONE);
        if (post.kind != good[i].post.kind || post.alpha != good[i].post.alpha ||
            post.beta != good[i].post.beta)
            fail_msg("%s is read as something else", good[i].text);
    }
    cj_post post = {0};
    static const char *const wrong[] = {"",
                                        "swish",
                                        "Relu",
                                        "relu:1",
                                        "relu7",
                                        "relu:",
                                        "leaky_relu",
                                        "leaky_relu:",
                                        "leaky_relu:x",
                                        "leaky_relu:1:2",
                                        "clamp:1",
                                        "clamp:6:0",
                                        "clamp:1:2:3",
                                        "clamp::",
                                        "clamp:nan:1",
                                        "leaky_relu:inf",
                                        "gelu ",
                                        "leaky_relu: 1",
                                        "none:0",
                                        NULL};
    refuses(read_activation, &post, wrong);
}

static void sizes_spread_over_the_dimensions(void **state)
{
    (void)state;
    int64_t result[3] = {9, 9, 9};
    char text[200];
    assert_int_equal(sizes_spread(&(struct sizes){0}, "stride", 3, result), EXIT_DONE);
    assert_int_equal(result[2], 9);
    assert_int_equal(sizes_spread(&(struct sizes){1, {4}}, "stride", 2, result), EXIT_DONE);
    assert_int_equal(result[0], 4);
    assert_int_equal(result[1], 4);
    assert_int_equal(result[2], 9);
    assert_int_equal(sizes_spread(&(struct sizes){3, {1, 2, 3}}, "stride", 3, result), EXIT_DONE);
    assert_int_equal(result[2], 3);
    capture_begin();
    int status = sizes_spread(&(struct sizes){2, {1, 2}}, "stride", 3, result);
    int lines = capture_end(text, sizeof text);
    assert_int_equal(status, EXIT_WRONG);
    assert_int_equal(lines, 1);
    assert_string_equal(text,
                        "convjit: --stride has 2 numbers; it must have 1, or 3 for 3 spatial dimensions\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_one_or_one_for_each_dimension),
        cmocka_unit_test(counts_are_at_least_one),
        cmocka_unit_test(paddings_are_numbers_pairs_or_names),
        cmocka_unit_test(activations_have_their_numbers),
        cmocka_unit_test(sizes_spread_over_the_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
