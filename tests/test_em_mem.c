/* label: full */
/* Loads, stores and runs in buffers that end or begin at a page that nothing may touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/words.h"

/* One copy: `count` elements from stride to stride, known at emission or when code runs. */
struct copy {
    const struct words *words;
    int64_t count, to, from;
    bool known;
    enum guard_side side;
};

static em_int count_of(struct em *em, const struct copy *copy)
{
    return copy->known ? em_i(em, copy->count) : em_last_unit(em);
}

/* A tensor of `count` elements that lie `stride` apart, 1, 2, 3 ...; between them 0. */
static struct guarded new_run(const struct copy *copy, int64_t stride, bool filled)
{
    size_t element = (size_t)dtype_bytes(copy->words->dtype);
    int64_t room = copy->count ? (copy->count - 1) * stride + 1 : 0;
    struct guarded run = guard_new((size_t)room * element, element, copy->side);
    for (int64_t i = 0; i < room; i++)
        words_set(copy->words, run.data, i, filled && i % stride == 0 ? (double)(i / stride + 1) : 0);
    return run;
}

/* Run the emission over guarded runs; element i of the result must be i + 1, or 0 where it was to be cleared.
 */
static void check_copy(const struct copy *copy, void (*emit)(struct em *em, const void *arg), bool cleared)
{
    struct guarded to = new_run(copy, copy->to, cleared), from = new_run(copy, copy->from, true);
    struct words_kernel kernel = words_open(copy->words, emit, copy);
    guard_announce(words_name(copy->words));
    kernel.run(to.data, from.data, NULL, NULL, NULL, NULL, 0, copy->count);
    words_close(&kernel);
    int64_t room = copy->count ? (copy->count - 1) * copy->to + 1 : 0;
    for (int64_t i = 0; i < room; i++) {
        double want = !cleared && i % copy->to == 0 ? (double)(i / copy->to + 1) : 0;
        if (words_get(copy->words, to.data, i) != want)
            fail_msg("%s: %lld elements from stride %lld to %lld, %s: element %lld", words_name(copy->words),
                     (long long)copy->count, (long long)copy->from, (long long)copy->to,
                     copy->known ? "known" : "unknown", (long long)i);
    }
    assert_true(guard_intact(&to));
    guard_free(&to);
    guard_free(&from);
}

static void emit_copy_run(struct em *em, const void *arg)
{
    const struct copy *copy = arg;
    struct em_run to = {em_argument(em, EM_DST), copy->to}, from = {em_argument(em, EM_SRC), copy->from};
    em_copy_run(em, to, from, count_of(em, copy));
}

static void emit_zero_run(struct em *em, const void *arg)
{
    const struct copy *copy = arg;
    em_zero_run(em, (struct em_run){em_argument(em, EM_DST), copy->to}, count_of(em, copy));
}

/* Counts around whole vectors, each stride that vectors do and one that they do not. */
static void check_runs(const struct words *words)
{
    static const int64_t strides[][2] = {{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {2, 1}, {3, 2}};
    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++)
        for (int64_t around = 0; around <= 2; around++)
            for (int64_t more = -1; more <= 1; more++)
                for (int known = 0; known < 2; known++) {
                    struct copy copy = {words, around * words->lanes + more,     strides[s][0], strides[s][1],
                                        known, more ? GUARD_BEHIND : GUARD_FRONT};
                    if (copy.count < 0)
                        continue;
                    check_copy(&copy, emit_copy_run, false);
                    if (strides[s][1] == 1)
                        check_copy(&copy, emit_zero_run, true);
                }
}

static void runs_are_copied_and_cleared(void **state)
{
    (void)state;
    words_each(check_runs);
}

/* dst = the first n elements of src, then nothing: stores touch n elements, too. */
static void emit_partial(struct em *em, const void *arg)
{
    const struct copy *copy = arg;
    int n = (int)copy->count;
    em_vec value = copy->from == 1 ? em_load_n(em, em_argument(em, EM_SRC), n)
                                   : em_load_strided(em, em_argument(em, EM_SRC), copy->from, n);
    em_store_n(em, em_argument(em, EM_DST), value, n);
}

static void check_partial(const struct words *words)
{
    for (int64_t n = 1; n <= words->lanes; n++)
        for (int64_t stride = 1; stride <= 3; stride++)
            for (int side = 0; side < 2; side++)
                check_copy(&(struct copy){words, n, 1, stride, true, side ? GUARD_FRONT : GUARD_BEHIND},
                           emit_partial, false);
}

static void partial_vectors_touch_their_elements_only(void **state)
{
    (void)state;
    words_each(check_partial);
}

/* dst[0 .. lanes) = src[2] in each lane, through room on the stack. */
static void emit_broadcast(struct em *em, const void *arg)
{
    (void)arg;
    em_ptr room = em_room(em, em_lanes(em));
    em_store(em, room, em_broadcast(em, em_at(em, em_argument(em, EM_SRC), 2)));
    em_store(em, em_argument(em, EM_DST), em_load_aligned(em, room));
}

static void check_broadcast(const struct words *words)
{
    double src[4], dst[16];
    for (int i = 0; i < 4; i++)
        words_set(words, src, i, 10 * i);
    struct words_kernel kernel = words_open(words, emit_broadcast, NULL);
    kernel.run(dst, src, NULL, NULL, NULL, NULL, 0, 0);
    words_close(&kernel);
    for (int i = 0; i < words->lanes; i++)
        assert_true(words_get(words, dst, i) == 20);
}

static void one_element_fills_a_vector(void **state)
{
    (void)state;
    words_each(check_broadcast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_copied_and_cleared),
        cmocka_unit_test(partial_vectors_touch_their_elements_only),
        cmocka_unit_test(one_element_fills_a_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
