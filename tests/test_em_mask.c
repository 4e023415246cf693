/* Masks: every place of a range of numbers under a vector, by accesses to memory that holds the range alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/trials.h"

enum { MOST_LANES = 16, MOST_COUNT = 20 };

/* Lanes stand at numbers start, start + 1, ... of 0 .. count; start known while emitting or not. */
struct place {
    int64_t start, count;
    bool known;
};

/* The numbers inside from the input to the output, the vector beginning `start` elements from both. */
static void emit_copy(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct place *place = arg;
    em_int start = place->known ? em_i(em, place->start) : em_first_unit(em);
    em_mask mask = em_inside(em, start, place->count);
    em_vec value = em_load_masked(em, em_offset(em, em_argument(em, EM_SRC), start), mask);
    em_store_masked(em, em_offset(em, em_argument(em, EM_DST), start), value, em_unknown(em, mask));
    em_store(em, em_argument(em, EM_SCRATCH), value);
}

/* What the lanes hold, and that only elements under the vector were written. */
static bool copied_right(const struct words *target, const struct place *place, const void *lanes,
                         const void *dst)
{
    for (int64_t i = 0; i < target->lanes; i++) {
        int64_t at = place->start + i;
        double want = at >= 0 && at < place->count ? (double)(at + 1) : 0;
        if (element_get(target->dtype, lanes, i) != want)
            return words_wrong(target, "em_load_masked from %lld of %lld: lane %lld is not %g",
                               (long long)place->start, (long long)place->count, (long long)i, want);
    }
    for (int64_t at = 0; at < place->count; at++) {
        bool under = at >= place->start && at < place->start + target->lanes;
        if (element_get(target->dtype, dst, at) != (under ? (double)(at + 1) : -1))
            return words_wrong(target, "em_store_masked to %lld of %lld: element %lld is wrong",
                               (long long)place->start, (long long)place->count, (long long)at);
    }
    return true;
}

static bool place_is_right(const struct words *target, const struct place *place, kernel_fn *run,
                           enum guard_side side)
{
    size_t element = (size_t)dtype_bytes(target->dtype), bytes = (size_t)place->count * element;
    struct guarded src = guard_new(bytes, element, side), dst = guard_new(bytes, element, side);
    double lanes[MOST_LANES];
    for (int64_t i = 0; i < place->count; i++) {
        element_put(target->dtype, src.data, i, (double)(i + 1));
        element_put(target->dtype, dst.data, i, -1);
    }
    run(dst.data, src.data, NULL, NULL, NULL, lanes, place->start, 1);
    bool right = copied_right(target, place, lanes, dst.data);
    if (right && !guard_intact(&dst))
        right = words_wrong(target, "em_store_masked to %lld of %lld writes beside them",
                            (long long)place->start, (long long)place->count);
    guard_free(&src);
    guard_free(&dst);
    return right;
}

static bool places_are_right(const struct words *target, const void *arg)
{
    struct place place = *(const struct place *)arg;
    struct plan plan = words_plan(target);
    bool right = true;
    int64_t first = -target->lanes - 1, last = place.count + 1;
    struct words_kernel words = words_open_plan(&plan, emit_copy, &place);
    for (place.start = first; place.start <= last && right; place.start++)
        for (int side = 0; side < GUARD_SIDES && right; side++)
            right = place_is_right(target, &place, words.run, (enum guard_side)side);
    words_close(&words);
    return right;
}

static void masked_accesses_touch_what_is_inside_alone(void **state)
{
    (void)state;
    int wrong = 0;
    for (int64_t count = 1; count <= MOST_COUNT; count += 3) {
        struct place place = {.count = count};
        wrong += words_wrong_ones(places_are_right, &place);
    }
    assert_int_equal(wrong, 0);
}

/* A few of them with all numbers known, where words fold. */
static bool known_place_is_right(const struct words *target, const void *arg)
{
    const struct place *place = arg;
    struct plan plan = words_plan(target);
    struct words_kernel words = words_open_plan(&plan, emit_copy, place);
    bool right = place_is_right(target, place, words.run, GUARD_BEHIND);
    words_close(&words);
    return right;
}

static void known_numbers_are_masked_alike(void **state)
{
    (void)state;
    static const struct place places[] = {{-3, 4, true}, {0, MOST_COUNT, true}, {2, 5, true}, {-1, 1, true}};
    int wrong = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        wrong += words_wrong_ones(known_place_is_right, &places[i]);
    assert_int_equal(wrong, 0);
}

/* ---- Every so many-th lane ---- */

struct lanes {
    int step, n;
};

static void emit_every(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct lanes *lanes = arg;
    em_store_masked(em, em_argument(em, EM_DST), em_vconst(em, 1), em_every(em, lanes->step, lanes->n));
}

static bool lanes_are_right(const struct words *target, const void *arg)
{
    const struct lanes *lanes = arg;
    struct plan plan = words_plan(target);
    double dst[MOST_LANES] = {0};
    words_run(&plan, emit_every, lanes, &(struct words_call){.dst = dst});
    for (int i = 0; i < target->lanes; i++) {
        bool want = i < lanes->n && i % lanes->step == 0;
        if (element_get(target->dtype, dst, i) != want)
            return words_wrong(target, "em_every(%d, %d): lane %d", lanes->step, lanes->n, i);
    }
    return true;
}

static void every_so_many_th_lane(void **state)
{
    (void)state;
    for (int step = 1; step <= 5; step++)
        for (int n = 0; n <= MOST_LANES; n++)
            assert_int_equal(words_wrong_ones(lanes_are_right, &(struct lanes){step, n}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_so_many_th_lane),
        cmocka_unit_test(masked_accesses_touch_what_is_inside_alone),
        cmocka_unit_test(known_numbers_are_masked_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
