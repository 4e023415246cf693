/* Shuffles of two vectors against their definition, lane by lane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/em_shuffle.h"
#include "words/trials.h"

enum { MOST_LANES = 16, CHUNKS = 0 };

/* Which shuffle: em_unpack of that width, or em_every_other_chunk. */
struct shuffle {
    int half, width;
};

static void emit_shuffle(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct shuffle *s = arg;
    em_vec a = em_load(em, em_argument(em, EM_SRC)), b = em_load(em, em_argument(em, EM_WEIGHTS));
    em_vec result =
        s->width == CHUNKS ? em_every_other_chunk(em, a, b, s->half) : em_unpack(em, a, b, s->half, s->width);
    em_store(em, em_argument(em, EM_DST), result);
}

static int chunk_of(const struct words *words)
{
    int lanes = words->dtype == CJ_F64 ? 2 : 4;
    return lanes < words->lanes ? lanes : words->lanes;
}

/* Fill `want` with the numbers of lanes, b's counting behind a's. */
static void plain_shuffle(const struct words *words, const struct shuffle *s, int want[MOST_LANES])
{
    int chunk = chunk_of(words), at = 0;
    for (int b = 0; s->width == CHUNKS && b < 2; b++)
        for (int from = s->half; from < words->lanes / chunk; from += 2)
            for (int i = 0; i < chunk; i++)
                want[at++] = b * words->lanes + from * chunk + i;
    for (int first = 0; s->width != CHUNKS && first < words->lanes; first += chunk)
        for (int group = 0; group < chunk / 2; group += s->width)
            for (int b = 0; b < 2; b++)
                for (int i = 0; i < s->width; i++)
                    want[at++] = b * words->lanes + first + s->half * chunk / 2 + group + i;
}

static bool shuffle_is_right(const struct words *words, const struct shuffle *s)
{
    double a[MOST_LANES], b[MOST_LANES], dst[MOST_LANES];
    int want[MOST_LANES];
    for (int i = 0; i < words->lanes; i++) {
        element_put(words->dtype, a, i, i);
        element_put(words->dtype, b, i, words->lanes + i);
    }
    struct plan plan = words_plan(words);
    words_run(&plan, emit_shuffle, s, &(struct words_call){.dst = dst, .src = a, .weights = b});
    plain_shuffle(words, s, want);
    for (int i = 0; i < words->lanes; i++)
        if (element_get(words->dtype, dst, i) != want[i])
            return words_wrong(words, "width %d, half %d: lane %d is not %d", s->width, s->half, i, want[i]);
    return true;
}

static bool shuffles_are_right(const struct words *words, const void *arg)
{
    (void)arg;
    bool right = true;
    for (int half = 0; half < 2; half++) {
        for (int width = 1; width < chunk_of(words); width *= 2)
            right = shuffle_is_right(words, &(struct shuffle){half, width}) && right;
        if (words->lanes > chunk_of(words))
            right = shuffle_is_right(words, &(struct shuffle){half, CHUNKS}) && right;
    }
    return right;
}

static void every_shuffle(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(shuffles_are_right, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
