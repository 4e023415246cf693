/* The transforms of Winograd's filters in generated code, against their matrices in C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/transform.h"
#include "words/trials.h"

#include <math.h>

enum { MOST_LANES = 16, STEP = 3 };

struct size {
    int outs, taps;
};

static const struct size sizes[] = {{1, 1}, {2, 3}, {3, 2}, {2, 5}, {3, 4}, {4, 3}, {5, 2},
                                    {2, 7}, {3, 6}, {4, 5}, {5, 4}, {6, 3}, {7, 2}};

static struct line line_at(struct em *em, enum em_arg which, int64_t step)
{
    return (struct line){em_argument(em, which), em_i(em, step)};
}

/* src, vectors STEP vectors apart, to dst, one behind the other; then the other transform, from weights to
 * scratch, with a step that only the generated code knows. */
static void emit_both(struct em *em, const struct plan *plan, const void *arg)
{
    const struct size *size = arg;
    struct winograd w = winograd_matrices(size->outs, size->taps);
    transform_input(em, &w, line_at(em, EM_DST, plan->lanes), line_at(em, EM_SRC, STEP * plan->lanes));
    struct line from = {em_argument(em, EM_WEIGHTS), em_first_unit(em)};
    transform_output(em, &w, line_at(em, EM_SCRATCH, STEP * plan->lanes), from);
}

struct memory {
    double src[WINOGRAD_MOST * STEP * MOST_LANES], dst[WINOGRAD_MOST * MOST_LANES];
    double weights[WINOGRAD_MOST * STEP * MOST_LANES], scratch[WINOGRAD_MOST * STEP * MOST_LANES];
};

static bool row_is_right(const struct words *target, const double *row, int count, const void *from, double got,
                         int lane)
{
    double want = 0, scale = 0;
    for (int k = 0; k < count; k++) {
        double x = words_get(target, from, (int64_t)k * STEP * target->lanes + lane);
        want += row[k] * x;
        scale += fabs(row[k] * x);
    }
    double slack = (target->dtype == CJ_F64 ? 0x1p-50 : 0x1p-21) * scale;
    return fabs(got - want) <= slack || words_wrong(target, "lane %d is %g, should be %g", lane, got, want);
}

static bool size_is_right(const struct words *target, const void *arg)
{
    const struct size *size = arg;
    struct plan plan = words_plan(target);
    struct winograd w = winograd_matrices(size->outs, size->taps);
    struct memory memory = {0};
    for (int i = 0; i < w.alpha * STEP * target->lanes; i++) {
        words_set(target, memory.src, i, (i * 37 % 101 - 50) / 8.0);
        words_set(target, memory.weights, i, (i * 53 % 97 - 48) / 8.0);
    }
    words_run(&plan, emit_both, size,
              &(struct words_call){.dst = memory.dst,
                                   .src = memory.src,
                                   .weights = memory.weights,
                                   .scratch = memory.scratch,
                                   .first = (int64_t)STEP * target->lanes});
    for (int lane = 0; lane < target->lanes; lane++) {
        for (int i = 0; i < w.alpha; i++)
            if (!row_is_right(target, w.input[i], w.alpha, memory.src,
                              words_get(target, memory.dst, i * target->lanes + lane), lane))
                return words_wrong(target, "F(%d, %d): row %d of B^T", size->outs, size->taps, i);
        for (int i = 0; i < w.outs; i++)
            if (!row_is_right(target, w.output[i], w.alpha, memory.weights,
                              words_get(target, memory.scratch, (int64_t)i * STEP * target->lanes + lane),
                              lane))
                return words_wrong(target, "F(%d, %d): row %d of A^T", size->outs, size->taps, i);
    }
    return true;
}

static void each_size_is_its_matrices(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(words_wrong_ones(size_is_right, &sizes[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_size_is_its_matrices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
