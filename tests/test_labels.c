/* Labels never lie over each other, over a dot or outside, and stand beside their dot where there is room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/labels.h"

#include <math.h>
#include <stdlib.h>

enum { DOTS = 60, LABELS = 30 };

static void a_label_stands_right_of_a_lonely_dot(void **state)
{
    (void)state;
    const struct room room = {NULL, 0, {0, 0, 400, 300}};
    struct label label = {.text = "abc", .x = 200, .y = 100};
    labels_place(&label, 1, &room);
    assert_true(label.placed);
    assert_true(label.box.left > 200 && label.box.left < 215);
    assert_true(label.box.top < 100 && label.box.bottom > 100);
    label.x = 399;
    labels_place(&label, 1, &room);
    assert_true(label.placed && label.box.right < 399);
}

static void a_label_without_room_stays_away(void **state)
{
    (void)state;
    static const struct box all = {0, 0, 400, 300};
    const struct room full = {&all, 1, all}, narrow = {NULL, 0, {0, 0, 20, 20}};
    struct label label = {.text = "a name", .x = 200, .y = 100, .placed = true};
    labels_place(&label, 1, &full);
    assert_false(label.placed);
    labels_place(&label, 1, &narrow);
    assert_false(label.placed);
}

static void check_crowd(const struct label *labels, const struct room *room, unsigned seed)
{
    int placed = 0;
    for (int i = 0; i < LABELS; i++) {
        const struct box *box = &labels[i].box;
        if (!labels[i].placed)
            continue;
        placed++;
        if (box->left < 0 || box->top < 0 || box->right > 600 || box->bottom > 400)
            fail_msg("seed %u: label %d is outside", seed, i);
        for (int j = 0; j < DOTS; j++)
            if (boxes_overlap(box, &room->taken[j]))
                fail_msg("seed %u: label %d covers dot %d", seed, i, j);
        for (int j = 0; j < i; j++)
            if (labels[j].placed && boxes_overlap(box, &labels[j].box))
                fail_msg("seed %u: label %d covers label %d", seed, i, j);
    }
    if (placed < LABELS / 2)
        fail_msg("seed %u: only %d labels found room", seed, placed);
}

static void a_crowd_keeps_apart(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        struct box dots[DOTS];
        struct label labels[LABELS];
        const struct room room = {dots, DOTS, {0, 0, 600, 400}};
        srand(seed);
        for (int i = 0; i < DOTS; i++) {
            double x = rand() % 590 + 5, y = rand() % 390 + 5;
            dots[i] = (struct box){x - 5, y - 5, x + 5, y + 5};
            if (i < LABELS)
                labels[i] = (struct label){.text = "some_name_3x3", .x = x, .y = y};
        }
        labels_place(labels, LABELS, &room);
        check_crowd(labels, &room, seed);
    }
}

static void boxes_that_touch_do_not_overlap(void **state)
{
    (void)state;
    const struct box box = {0, 0, 10, 10}, beside = {10, 0, 20, 10}, below = {0, 10, 10, 20},
                     on = {9, 9, 12, 12};
    assert_false(boxes_overlap(&box, &beside));
    assert_false(boxes_overlap(&box, &below));
    assert_true(boxes_overlap(&box, &on));
    assert_true(boxes_overlap(&box, &box));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_stands_right_of_a_lonely_dot),
        cmocka_unit_test(a_label_without_room_stays_away),
        cmocka_unit_test(a_crowd_keeps_apart),
        cmocka_unit_test(boxes_that_touch_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
