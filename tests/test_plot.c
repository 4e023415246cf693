/* A plot as text: every element that is opened is closed, each layer has a dot and a bar of the right length,
 * and nothing leaves the page however fast a layer is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/charts.h"
#include "../bench/plot.h"
#include "../runtime/cli/overrides.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 80 };

struct run {
    struct bench_machine machine;
    struct layer layers[MOST];
    struct layer_shape shapes[MOST];
    struct result results[MOST];
    char *text;
};

/* Layers of 1e9 operations on a machine of 100 GFLOP/s, each `percent` of peak. */
static struct run *run_open(const double *percents, int count)
{
    struct run *run = calloc(1, sizeof *run);
    run->machine = (struct bench_machine){.facts = {.cpu = "a <CPU>", .isa = CJ_ISA_AVX2},
                                          .peak.gflops = {100, 50},
                                          .bandwidth = {200, 100, 50, 20}};
    for (int i = 0; i < count; i++) {
        snprintf(run->shapes[i].name, sizeof run->shapes[i].name, "layer&%d", i);
        run->layers[i] =
            (struct layer){.shape = &run->shapes[i], .text = "conv2d", .bytes = 1000000L << i % 12};
        run->results[i] = (struct result){.layer = &run->layers[i],
                                          .threads = 1,
                                          .gflops = percents[i],
                                          .least = 1 / percents[i],
                                          .percent_of_peak = percents[i],
                                          .percent_of_bound = percents[i]};
        snprintf(run->results[i].algorithm, sizeof run->results[i].algorithm, "algorithm%d", i % 10);
    }
    return run;
}

static void run_draw(struct run *run, int count)
{
    size_t size;
    free(run->text);
    FILE *out = open_memstream(&run->text, &size);
    assert_int_equal(plot_write(out, &run->machine, run->results, count), EXIT_DONE);
    fclose(out);
}

static void run_close(struct run *run)
{
    free(run->text);
    free(run);
}

static int times(const char *text, const char *what)
{
    int count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

/* Names of open elements, the innermost last. */
static void assert_balanced(const char *text)
{
    char open[32][32];
    int depth = 0;
    for (const char *at = strstr(text, "<svg"); at; at = strchr(at + 1, '<')) {
        char name[32];
        bool closes = at[1] == '/';
        assert_int_equal(sscanf(at + 1 + closes, "%31[a-zA-Z]", name), 1);
        const char *end = strchr(at, '>');
        assert_non_null(end);
        if (!closes && end[-1] != '/') {
            assert_true(depth < 32);
            strcpy(open[depth++], name);
        } else if (closes) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        }
    }
    assert_int_equal(depth, 0);
}

/* The number behind each "ATTRIBUTE=\"" lies on the page. */
static void assert_within(const char *text, const char *attribute, double most)
{
    for (const char *at = text; (at = strstr(at, attribute)); at++) {
        double value = atof(at + strlen(attribute));
        if (!(value >= -1 && value <= most))
            fail_msg("%s%f is not on the page", attribute, value);
    }
}

static double bar_width(const char *text, int index)
{
    for (; index >= 0; index--)
        text = strstr(text, "class=\"bar ") + 1;
    return atof(strstr(text, "width=\"") + 7);
}

static void each_layer_has_a_dot_and_a_bar(void **state)
{
    (void)state;
    static const double percents[] = {100, 50, 400, 0.01, 25};
    struct run *run = run_open(percents, 5);
    run_draw(run, 5);
    assert_balanced(run->text);
    assert_int_equal(times(run->text, "class=\"bar "), 5);
    assert_int_equal(times(run->text, "<circle class=\"dot "), 5 + 5); /* and the legend's */
    assert_int_equal(times(run->text, "<title>layer&amp;2\n"), 2);
    assert_int_equal(times(run->text, "a &lt;CPU&gt;"), 1);
    assert_true(fabs(bar_width(run->text, 2) / bar_width(run->text, 0) - 4) < 0.01);
    assert_true(fabs(bar_width(run->text, 1) / bar_width(run->text, 0) - 0.5) < 0.01);
    assert_int_equal(times(run->text, "class=\"best\""), 0);
    run_close(run);
}

static void peers_are_a_share_of_their_own_peak(void **state)
{
    (void)state;
    static const double percents[] = {100, 100, 100};
    struct run *run = run_open(percents, 3);
    run->shapes[0].peers =
        (struct peer_times){.nchw_us = 10000, .nhwc_us = 2500, .best_us = 2000, .peak_gflops = 200};
    run->shapes[1].peers = (struct peer_times){.nchw_us = 10000, .best_us = 2000};
    assert_true(fabs(peer_percent(&run->results[0]) - 50) < 1e-9);
    assert_true(fabs(peer_best_percent(&run->results[0]) - 250) < 1e-9);
    assert_true(peer_percent(&run->results[1]) == 0);
    assert_true(peer_percent(&run->results[2]) == 0);
    run_draw(run, 3);
    assert_int_equal(times(run->text, "class=\"best\""), 1 + 1); /* and the legend's */
    assert_int_equal(times(run->text, "their own peak, 200 GFLOP/s"), 1);
    run->shapes[0].desc.input_layout = CJ_NHWC;
    assert_true(fabs(peer_percent(&run->results[0]) - 200) < 1e-9);
    run->results[0].threads = 2;
    assert_true(peer_percent(&run->results[0]) == 0);
    run->results[0].threads = 1;
    run->shapes[0].desc.dtype = CJ_F64;
    assert_true(peer_best_percent(&run->results[0]) == 0);
    run_close(run);
}

/* Extremes, a single layer, more algorithms than colours, a machine that tells no cache. */
static void any_run_stays_on_the_page(void **state)
{
    (void)state;
    double percents[MOST];
    for (int i = 0; i < MOST; i++)
        percents[i] = pow(10, i % 8 - 4) * (1 + i / 8);
    for (int count = 1; count <= MOST; count += 79) {
        struct run *run = run_open(percents, count);
        if (count == 1)
            memset(run->machine.bandwidth, 0, sizeof run->machine.bandwidth);
        run_draw(run, count);
        assert_balanced(run->text);
        assert_null(strstr(run->text, "nan"));
        assert_null(strstr(run->text, "inf"));
        static const char *const across[] = {" x=\"", " x1=\"", " x2=\"", " cx=\"", " width=\""};
        for (size_t i = 0; i < sizeof across / sizeof *across; i++)
            assert_within(run->text, across[i], 1040);
        assert_within(run->text, " cy=\"", 600);
        assert_int_equal(times(run->text, ">other<"), count > SERIES);
        run_close(run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_has_a_dot_and_a_bar),
        cmocka_unit_test(peers_are_a_share_of_their_own_peak),
        cmocka_unit_test(any_run_stays_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
