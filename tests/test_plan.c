/* A plan's line of text: every decision, by name, and no more room than given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/sample.h"

#include <stdio.h>
#include <string.h>

/* Numbers that differ, so that none stands for another. */
static struct plan odd_plan(void)
{
    return (struct plan){.conv = {.dtype = CJ_F64},
                         .isa = CJ_ISA_AVX2,
                         .algo = ALGO_planar,
                         .lanes = 11,
                         .tile_rows = 12,
                         .tile_vecs = 13,
                         .unroll = 14,
                         .sets = 19,
                         .shares_taps = 1,
                         .band = 1,
                         .block_oc = 15,
                         .block_rows = 16,
                         .block_cols = 17,
                         .units = 18,
                         .scratch_bytes = (int64_t)1 << 40,
                         .packed_bytes = ((int64_t)1 << 41) + 64};
}

static bool has_word(const char *line, const char *word)
{
    char padded[500], wanted[100];
    snprintf(padded, sizeof padded, " %s ", line);
    snprintf(wanted, sizeof wanted, " %s ", word);
    return strstr(padded, wanted) != NULL;
}

static void every_decision_is_named(void **state)
{
    (void)state;
    static const char *const words[] = {"algorithm=planar",
                                        "isa=avx2",
                                        "dtype=f64",
                                        "lanes=11",
                                        "tile=12x13",
                                        "unroll=14",
                                        "sets=19",
                                        "shares_taps=1",
                                        "band=1",
                                        "block_oc=15",
                                        "block_rows=16",
                                        "block_cols=17",
                                        "units=18",
                                        "scratch=1099511627776",
                                        "packed=2199023255616"};
    struct plan plan = odd_plan();
    char line[400];
    plan_print(&plan, line, sizeof line);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!has_word(line, words[i]))
            fail_msg("%s is not in \"%s\"", words[i], line);
    assert_null(strchr(line, '\n'));
}

/* Each decision changed alone changes the line. */
static void plans_that_differ_read_differently(void **state)
{
    (void)state;
    const struct plan plan = odd_plan();
    static const size_t fields[] = {
        offsetof(struct plan, isa),          offsetof(struct plan, algo),
        offsetof(struct plan, lanes),        offsetof(struct plan, tile_rows),
        offsetof(struct plan, tile_vecs),    offsetof(struct plan, unroll),
        offsetof(struct plan, sets),         offsetof(struct plan, shares_taps),
        offsetof(struct plan, band),         offsetof(struct plan, block_oc),
        offsetof(struct plan, block_rows),   offsetof(struct plan, block_cols),
        offsetof(struct plan, units),        offsetof(struct plan, scratch_bytes),
        offsetof(struct plan, packed_bytes), offsetof(struct plan, conv.dtype),
    };
    char before[400], after[400];
    plan_print(&plan, before, sizeof before);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct plan other = plan;
        int64_t *field = (int64_t *)(void *)((char *)&other + fields[i]);
        *field = *field == 1 ? 0 : *field - 1;
        plan_print(&other, after, sizeof after);
        assert_string_not_equal(before, after);
    }
}

static void text_is_cut_at_the_size_given(void **state)
{
    (void)state;
    struct plan plan = odd_plan();
    char whole[400], cut[400];
    plan_print(&plan, whole, sizeof whole);
    size_t length = strlen(whole);
    for (size_t size = 1; size <= length + 2; size++) {
        memset(cut, '#', sizeof cut);
        plan_print(&plan, cut, size);
        size_t kept = size - 1 < length ? size - 1 : length;
        assert_int_equal(strlen(cut), kept);
        assert_memory_equal(cut, whole, kept);
        assert_int_equal(cut[size], '#');
    }
}

/* Names are those of the tables. */
static bool names_are_told(const struct sample *sample)
{
    char line[400], word[80];
    plan_print(sample->plan, line, sizeof line);
    snprintf(word, sizeof word, "algorithm=%s", algo_row((enum algo_id)sample->plan->algo)->name);
    bool right = has_word(line, word);
    snprintf(word, sizeof word, "isa=%s", isa_info(sample->target->isa)->name);
    right = right && has_word(line, word);
    snprintf(word, sizeof word, "dtype=%s", sample->desc->dtype == CJ_F64 ? "f64" : "f32");
    return (right && has_word(line, word)) || sample_wrong(sample, "a name is missing");
}

static void real_plans_name_what_they_are(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(61, 100, 30, names_are_told), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_decision_is_named),
        cmocka_unit_test(plans_that_differ_read_differently),
        cmocka_unit_test(text_is_cut_at_the_size_given),
        cmocka_unit_test(real_plans_name_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
