/* Who was best, and the means of several layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/peers/rows.h"

#include <math.h>

static struct timing us(double time)
{
    return (struct timing){.outcome = MEASURED, .us = time};
}

/* Two peers: the second one is the faster in NCHW, and the first one if its call is put another way. */
static struct row example(void)
{
    struct row row = {.own_us = {8, 10}};
    row.peer[0].at[CALL_NCHW][0] = us(40);
    row.peer[0].at[CALL_NHWC][0] = us(20);
    row.peer[0].at[CALL_OWN][0] = (struct timing){.outcome = WRONG, .us = 1};
    row.peer[0].at[CALL_OWN][1] = us(4);
    row.peer[1].at[CALL_NCHW][0] = us(16);
    row.peer[1].at[CALL_NHWC][0] = (struct timing){.outcome = CANNOT};
    return row;
}

static void the_best_is_of_what_was_measured(void **state)
{
    (void)state;
    struct row row = example();
    struct selection all = {.peers = 2, .layout = -1, .rewritten = true};
    int peer = -1, layout = -1;
    assert_true(best_peer(&row, &all, &peer, &layout) == 4);
    assert_int_equal(peer, 0);
    assert_int_equal(layout, CALL_OWN);
    all.rewritten = false;
    assert_true(best_peer(&row, &all, &peer, &layout) == 16);
    assert_int_equal(peer, 1);
    assert_int_equal(layout, CALL_NCHW);
    all.layout = CALL_NHWC;
    assert_true(best_peer(&row, &all, &peer, &layout) == 20);
    all.first_peer = all.peers = 1;
    assert_true(best_peer(&row, &all, &peer, &layout) == 0);
}

static void own_best_is_of_the_layout_asked_for(void **state)
{
    (void)state;
    struct row row = example();
    assert_true(best_own(&row, -1) == 8);
    assert_true(best_own(&row, CALL_NHWC) == 10);
}

static void means_are_geometric_over_layers_that_have_both(void **state)
{
    (void)state;
    struct row rows[3] = {example(), example(), {.own_us = {1, 1}}};
    struct selection nchw = {.peers = 2, .layout = CALL_NCHW};
    int count;
    rows[1].own_us[CALL_NCHW] = 2;
    assert_true(fabs(mean_ratio(rows, 3, &nchw, &count) - 4) < 1e-9); /* 16/8 and 16/2 */
    assert_int_equal(count, 2);
    assert_true(mean_ratio(&rows[2], 1, &nchw, &count) == 0);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_of_what_was_measured),
        cmocka_unit_test(own_best_is_of_the_layout_asked_for),
        cmocka_unit_test(means_are_geometric_over_layers_that_have_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
