/* Scales and labels of the picture; the picture itself is test_command_bench.sh's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/plot.h"

#include <math.h>

static void scales_are_logarithmic(void **state)
{
    (void)state;
    struct scale up = {0.1, 1000, 50, 450}, down = {1, 100, 500, 100};
    assert_true(fabs(scale_at(&up, 0.1) - 50) < 1e-9);
    assert_true(fabs(scale_at(&up, 1000) - 450) < 1e-9);
    assert_true(fabs(scale_at(&up, 10) - 250) < 1e-9);
    assert_true(fabs(scale_at(&down, 10) - 300) < 1e-9);
}

static void labels_do_not_cover_each_other(void **state)
{
    (void)state;
    struct labels labels = {0};
    assert_true(labels_place(&labels, 100, 50, 60));
    assert_false(labels_place(&labels, 150, 50, 60));
    assert_false(labels_place(&labels, 60, 55, 60));
    assert_true(labels_place(&labels, 160, 50, 60));
    assert_true(labels_place(&labels, 100, 80, 60));
    assert_int_equal(labels.count, 3);
}

static void no_more_labels_than_there_is_room_for(void **state)
{
    (void)state;
    struct labels labels = {0};
    for (int i = 0; i < MOST_LABELS; i++)
        assert_true(labels_place(&labels, 0, 100.0 * i, 10));
    assert_false(labels_place(&labels, 0, -100, 10));
    assert_int_equal(labels.count, MOST_LABELS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_are_logarithmic),
        cmocka_unit_test(labels_do_not_cover_each_other),
        cmocka_unit_test(no_more_labels_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
