/* One case: random tensors in guarded buffers, the kernel, the oracle, the comparison. */
#ifndef CONVJIT_CHECK_H
#define CONVJIT_CHECK_H

#include "problem.h"

#include <convjit/convjit.h>

#include <stdbool.h>

/* How much larger than those of a plain sum the errors of Winograd's filters may be; the README states them,
 * and test_accuracy.c holds them to it. */
enum { WINOGRAD_FACTOR = 16 };

enum check_result { CHECK_SAME, CHECK_DIFFERENT, CHECK_DECLINED };

/* Run a convolution and compare each output with the oracle. Prints, on a difference, the SHAPE that reproduces
 * it, the first wrong element and both values. CHECK_DECLINED: the algorithm or instruction set asked for
 * cannot. `seed` decides the values and on which side the buffers are guarded. */
enum check_result check_case(cj_context *context, const cj_conv_desc *desc, int64_t batch, unsigned seed);

/* The same for a SHAPE string; an error in the string is a difference. */
enum check_result check_shape(cj_context *context, const char *shape, unsigned seed);

/* A problem and what the oracle says about it, for several kernels. Values that are set behind `check_open`
 * need a `check_ask` before the next `check_kernel`. */
struct check {
    struct problem problem;
    double *want, *bound;
    bool transformed; /* the kernel run last uses Winograd's filters, whose errors are larger */
};
struct check check_open(const cj_conv_desc *desc, int64_t batch, unsigned seed);
void check_ask(struct check *check);
void check_close(struct check *check);

/* Whether the problem's output is what the oracle wants; complains, with `desc` as the SHAPE, if it is not. */
bool check_compare(const struct check *check, const cj_conv_desc *desc);

/* Prepare the kernel for `desc`, which is the problem's but for its algorithm, ISA and accuracy, and run it
 * once for each of the sides [first, last], as check_case does. */
enum check_result check_kernel(cj_context *context, struct check *check, const cj_conv_desc *desc,
                               const enum guard_side sides[2]);

/* Prepare the kernel of the problem's own descriptor and run it; complains if that fails. */
bool check_run(cj_context *context, struct problem *problem, const struct manner *manner);

/* Whether two results are the same bits; complains about the first element that is not. */
bool check_bits(const struct problem *problem, const double *got, const double *want, const char *what);

/* Complain about a problem on standard error, with its SHAPE in front. */
void check_complain(const cj_conv_desc *desc, int64_t batch, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
