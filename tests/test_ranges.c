/* However the units of a batch are shared out among threads, the output has the same bits: for plans whose
 * units share work with the ones next to them, where a range may begin and end anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <convjit/convjit.h>

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static const struct row {
    const char *shape;
    bool images_together; /* the plan must compute several images at once, or the row tests too little */
} rows[] = {
    /* Weights are larger than any core's L2 cache: images are taken together, their channels cut. */
    {"conv2d:n5:c256:o192:i8x8:k3x3:p1:lnhwc:alg=winograd", true},
    {"conv2d:n3:c256:o160:i9x7:k3x3:p1:lnchw:alg=winograd", true},
    /* One image at a time, in odd numbers of blocks of pixels. */
    {"conv2d:n3:c32:o64:i28x28:k3x3:p1:lnhwc:alg=winograd", false},
    {"conv1d:n2:c64:o96:i500:k3:p1:lnhwc:alg=winograd", false},
    {"conv_transpose2d:n3:c64:o64:i7x7:k4x4:s2:p1:lnhwc:alg=winograd", false},
    /* Images are rows of one product. */
    {"conv2d:n7:c64:o80:i1x1:k1x1:lnhwc:alg=connected", false},
    {"conv2d:n2:c24:o40:i14x14:k3x3:p1:lnchw:alg=direct", false},
};

/* Runs the indices from the last to the first: no range may count on the one in front of it. */
static void backwards(void *unused, int threads, void (*task)(void *arg, int index), void *arg)
{
    (void)unused;
    for (int i = threads - 1; i >= 0; i--)
        task(arg, i);
}

static int units_of(const cj_kernel *kernel)
{
    const char *units = strstr(cj_kernel_plan(kernel), " units=");
    return units ? atoi(units + strlen(" units=")) : 0;
}

static bool ranges_agree(const cj_kernel *kernel, struct problem *p)
{
    double *whole = malloc((size_t)p->count[OUTPUT] * sizeof *whole);
    struct manner alone = {.side = GUARD_BEHIND, .fill = 0xa5};
    bool right = whole && !problem_run(p, kernel, &alone);
    if (right)
        memcpy(whole, p->value[OUTPUT], (size_t)p->count[OUTPUT] * sizeof *whole);
    int most = units_of(kernel) * (int)p->batch;
    for (int threads = 2; right && threads <= most; threads++) {
        cj_parallel parallel = {.threads = threads, .run = backwards};
        struct manner shared = {.side = GUARD_FRONT, .fill = 0x5a, .parallel = &parallel};
        const char *wrong = problem_run(p, kernel, &shared);
        if (wrong)
            check_complain(p->desc, p->batch, "%d ranges: %s", threads, wrong);
        right = !wrong && check_bits(p, p->value[OUTPUT], whole, "ranges");
    }
    free(whole);
    return right;
}

static bool row_agrees(cj_context *context, const struct row *row)
{
    cj_conv_desc desc;
    int64_t batch;
    cj_kernel *kernel;
    if (cj_desc_parse(row->shape, &desc, &batch) != CJ_OK || cj_prepare(context, &desc, &kernel) != CJ_OK) {
        print_error("%s: %s\n", row->shape, cj_last_error());
        return false;
    }
    const char *plan = cj_kernel_plan(kernel);
    bool together = !strstr(plan, " images=1 ") && !strstr(plan, " images=0 ");
    bool right = together == row->images_together && units_of(kernel) > 1;
    if (!right)
        print_error("%s has the plan %s\n", row->shape, plan);
    struct problem p = problem_new(&desc, batch, 7);
    right = right && ranges_agree(kernel, &p);
    problem_free(&p);
    cj_release(kernel);
    return right;
}

static void any_ranges_give_the_same_bits(void **state)
{
    (void)state;
    cj_context *context;
    int wrong = 0;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !row_agrees(context, &rows[i]);
    cj_context_destroy(context);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_ranges_give_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
