#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHAPE_SIZE = 800 };

void check_complain(const cj_conv_desc *desc, int64_t batch, const char *format, ...)
{
    char shape[SHAPE_SIZE];
    va_list args;
    problem_shape(desc, batch, shape, sizeof shape);
    fprintf(stderr, "\n%s\n  ", shape);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

struct check check_open(const cj_conv_desc *desc, int64_t batch, unsigned seed)
{
    struct check c = {.problem = problem_new(desc, batch, seed)};
    size_t count = (size_t)c.problem.count[OUTPUT] + 1;
    c.want = calloc(count, sizeof(double));
    c.bound = calloc(count, sizeof(double));
    check_ask(&c);
    return c;
}

void check_ask(struct check *check)
{
    problem_oracle(&check->problem, check->want, check->bound);
}

void check_close(struct check *check)
{
    problem_free(&check->problem);
    free(check->want);
    free(check->bound);
}

/* How far from the oracle an output may be, for each unit of the magnitudes that were added. The rounding error
 * of a sum of N products is at most N units in the last place of the sum of magnitudes (Higham, Accuracy and
 * Stability, 3.1), in practice its root; activations add their own few units. */
static double tolerance(const struct problem *p)
{
    double products = (double)p->count[WEIGHT] / (double)p->desc->out_channels;
    if (p->desc->op == CJ_SEPARABLE)
        products = (double)(p->count[WEIGHT] + p->count[POINTWISE]) / (double)p->desc->out_channels;
    return (p->desc->dtype == CJ_F64 ? 0x1p-53 : 0x1p-24) * (16 + sqrt(products));
}

/* The same for Winograd's filters, whose outputs share the errors of their tile: beside the largest magnitude
 * of all outputs. */
static double tile_tolerance(const struct check *check)
{
    double largest = 1e-3;
    for (int64_t i = 0; i < check->problem.count[OUTPUT]; i++)
        if (isfinite(check->bound[i]))
            largest = fmax(largest, check->bound[i]);
    return WINOGRAD_FACTOR * tolerance(&check->problem) * largest;
}

/* Equal within the tolerance; what is infinite or not a number is so in both. */
static bool is_near(double got, double want, double slack)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= slack;
}

bool check_compare(const struct check *check, const cj_conv_desc *desc)
{
    const struct problem *p = &check->problem;
    double of_tile = check->transformed ? tile_tolerance(check) : 0;
    for (int64_t i = 0; i < p->count[OUTPUT]; i++) {
        double got = p->value[OUTPUT][i], want = check->want[i];
        double slack = check->transformed ? of_tile : tolerance(p) * (check->bound[i] + 1e-3);
        if (is_near(got, want, slack))
            continue;
        check_complain(desc, p->batch, "element %lld is %.9g, should be %.9g within %.3g", (long long)i, got,
                       want, slack);
        return false;
    }
    return true;
}

static bool run_sides(struct check *check, const cj_conv_desc *desc, const cj_kernel *kernel,
                      const enum guard_side sides[2])
{
    char shape[SHAPE_SIZE];
    problem_shape(desc, check->problem.batch, shape, sizeof shape);
    guard_announce(shape);
    for (int side = (int)sides[0]; side <= (int)sides[1]; side++) {
        const char *complaint =
            problem_run(&check->problem, kernel, &(struct manner){.side = (enum guard_side)side, .fill = 0xff});
        if (complaint)
            check_complain(desc, check->problem.batch, "%s", complaint);
        if (complaint || !check_compare(check, desc))
            return false;
    }
    return true;
}

enum check_result check_kernel(cj_context *context, struct check *check, const cj_conv_desc *desc,
                               const enum guard_side sides[2])
{
    cj_kernel *kernel;
    cj_status status = cj_prepare(context, desc, &kernel);
    if (status == CJ_UNSUPPORTED)
        return CHECK_DECLINED;
    if (status != CJ_OK) {
        check_complain(desc, check->problem.batch, "%s: %s", cj_status_name(status), cj_last_error());
        return CHECK_DIFFERENT;
    }
    check->transformed = strstr(cj_kernel_plan(kernel), "algorithm=winograd");
    bool slow = !desc->algorithm && strstr(cj_kernel_plan(kernel), "algorithm=reference");
    if (slow)
        check_complain(desc, check->problem.batch, "is left to the reference");
    bool same = !slow && run_sides(check, desc, kernel, sides);
    cj_release(kernel);
    return same ? CHECK_SAME : CHECK_DIFFERENT;
}

bool check_run(cj_context *context, struct problem *problem, const struct manner *manner)
{
    char shape[SHAPE_SIZE];
    cj_kernel *kernel;
    problem_shape(problem->desc, problem->batch, shape, sizeof shape);
    guard_announce(shape);
    cj_status status = cj_prepare(context, problem->desc, &kernel);
    const char *complaint = status == CJ_OK ? problem_run(problem, kernel, manner) : cj_last_error();
    if (complaint)
        check_complain(problem->desc, problem->batch, "%s", complaint);
    cj_release(status == CJ_OK ? kernel : NULL);
    return !complaint;
}

bool check_bits(const struct problem *problem, const double *got, const double *want, const char *what)
{
    for (int64_t i = 0; i < problem->count[OUTPUT]; i++) {
        if (memcmp(&got[i], &want[i], sizeof *got) == 0)
            continue;
        check_complain(problem->desc, problem->batch, "%s: element %lld is %.17g, should be %.17g", what,
                       (long long)i, got[i], want[i]);
        return false;
    }
    return true;
}

enum check_result check_case(cj_context *context, const cj_conv_desc *desc, int64_t batch, unsigned seed)
{
    struct check check = check_open(desc, batch, seed);
    enum guard_side side = seed % 2 ? GUARD_FRONT : GUARD_BEHIND;
    enum check_result result = check_kernel(context, &check, desc, (const enum guard_side[]){side, side});
    check_close(&check);
    return result;
}

enum check_result check_shape(cj_context *context, const char *shape, unsigned seed)
{
    cj_conv_desc desc;
    int64_t batch;
    if (cj_desc_parse(shape, &desc, &batch) == CJ_OK)
        return check_case(context, &desc, batch, seed);
    fprintf(stderr, "\n%s\n  %s\n", shape, cj_last_error());
    return CHECK_DIFFERENT;
}
