/* Two runs side by side: who is paired with whom, what counts as lost, and the means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

/* Percent of peak; 0: not in that run. */
struct line {
    const char *name, *shape;
    double then, now;
    int threads_then, threads_now;
};

struct runs {
    struct past past;
    struct past_result then[MOST];
    struct result now[MOST];
    struct layer layers[MOST];
    struct layer_shape shapes[MOST];
    int count;
    char *text;
    int lost;
};

static void add_now(struct runs *runs, const struct line *line)
{
    int i = runs->count++;
    snprintf(runs->shapes[i].name, sizeof runs->shapes[i].name, "%s", line->name);
    snprintf(runs->layers[i].text, sizeof runs->layers[i].text, "%s", line->shape);
    runs->layers[i].shape = &runs->shapes[i];
    runs->now[i] = (struct result){.layer = &runs->layers[i],
                                   .threads = line->threads_now ? line->threads_now : 1,
                                   .percent_of_peak = line->now};
}

static void add_then(struct runs *runs, const struct line *line)
{
    struct past_result *r = &runs->then[runs->past.count++];
    snprintf(r->name, sizeof r->name, "%s", line->name);
    snprintf(r->shape, sizeof r->shape, "%s", line->shape);
    r->threads = line->threads_then ? line->threads_then : 1;
    r->percent_of_peak = line->then;
}

static struct runs *compare(const struct line *lines, int count)
{
    struct runs *runs = calloc(1, sizeof *runs);
    size_t size;
    runs->past = (struct past){.cpu = "CPU", .peak_gflops = 100, .at = runs->then};
    for (int i = 0; i < count; i++) {
        if (lines[i].now > 0)
            add_now(runs, &lines[i]);
        if (lines[i].then > 0)
            add_then(runs, &lines[i]);
    }
    FILE *out = open_memstream(&runs->text, &size);
    runs->lost = compare_report(out, &runs->past, "old.json", runs->now, runs->count);
    fclose(out);
    return runs;
}

static void finish(struct runs *runs)
{
    free(runs->text);
    free(runs);
}

static bool says(const struct runs *runs, const char *text)
{
    if (!strstr(runs->text, text))
        print_error("no \"%s\" in:\n%s", text, runs->text);
    return strstr(runs->text, text);
}

static void more_than_five_of_a_hundred_parts_is_lost(void **state)
{
    (void)state;
    static const struct line lines[] = {{"slower", "s1", 80, 74.5, 0, 0},
                                        {"as_before", "s2", 80, 75.5, 0, 0},
                                        {"just", "s3", 80, 75, 0, 0},
                                        {"faster", "s4", 200, 306, 0, 0}};
    struct runs *runs = compare(lines, 4);
    assert_int_equal(runs->lost, 1);
    assert_true(says(runs, "lost by more than 5:\n  slower "));
    assert_true(says(runs, "80.0   74.5    -5.5"));
    assert_true(says(runs, "gained by more than 5:\n  faster "));
    assert_true(says(runs, "200.0  306.0  +106.0"));
    assert_null(strstr(runs->text, "as_before"));
    assert_null(strstr(runs->text, "just"));
    assert_true(says(runs, "old.json"));
    finish(runs);
}

static void means_are_of_those_in_both(void **state)
{
    (void)state;
    static const struct line lines[] = {{"a", "s1", 20, 30, 0, 0},
                                        {"b", "s2", 80, 270, 0, 0},
                                        {"new one", "s3", 0, 1, 0, 0},
                                        {"another", "s5", 0, 1, 0, 0},
                                        {"gone", "s4", 1, 0, 0, 0}};
    struct runs *runs = compare(lines, 5);
    assert_int_equal(runs->lost, 0);
    assert_true(says(runs, "geometric mean of the 2 in both: 40.0 then, 90.0 now\n"));
    assert_true(says(runs, "in this run only: new one, another\n"));
    assert_true(says(runs, "in the earlier run only: gone\n"));
    finish(runs);
}

static void threads_and_layouts_tell_results_apart(void **state)
{
    (void)state;
    static const struct line threads[] = {{"a", "s1", 90, 10, 2, 1}};
    struct runs *runs = compare(threads, 1);
    assert_int_equal(runs->lost, 0);
    assert_true(says(runs, "no layer is in both runs\n"));
    runs->now[0].threads = 2;
    assert_int_equal(compare_report(stderr, &runs->past, "old.json", runs->now, 1), 1);
    runs->shapes[0].desc.input_layout = CJ_NHWC;
    assert_int_equal(compare_report(stderr, &runs->past, "old.json", runs->now, 1), 0);
    runs->then[0].layout = CJ_NHWC;
    runs->shapes[0].desc.dtype = CJ_F64;
    assert_int_equal(compare_report(stderr, &runs->past, "old.json", runs->now, 1), 0);
    finish(runs);
}

/* Names do not matter; the same convolution twice is paired in order. */
static void repeated_layers_are_paired_in_order(void **state)
{
    (void)state;
    static const struct line lines[] = {{"a", "s", 90, 90, 0, 0}, {"b", "s", 20, 20, 0, 0}};
    struct runs *runs = compare(lines, 2);
    assert_int_equal(runs->lost, 0);
    assert_null(strstr(runs->text, "only"));
    finish(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_five_of_a_hundred_parts_is_lost),
        cmocka_unit_test(means_are_of_those_in_both),
        cmocka_unit_test(threads_and_layouts_tell_results_apart),
        cmocka_unit_test(repeated_layers_are_paired_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
