#include "property.h"

#include "random.h"

#include <stdlib.h>
#include <string.h>

enum { CASES = 60 };
static const struct random_sizes sizes = {.channels = 40, .row = 32, .column = 9};

int property_try(property *holds, int first, int last)
{
    cj_context *context;
    int wrong = 0;
    if (cj_context_create(NULL, &context) != CJ_OK)
        abort();
    for (int op = first; op <= last; op++)
        for (unsigned seed = 1; seed <= CASES; seed++)
            wrong += !holds(context, &sweep_ops[op], seed * 7919 + (unsigned)op);
    cj_context_destroy(context);
    return wrong;
}

cj_conv_desc property_desc(const struct sweep_op *op, unsigned *state)
{
    cj_conv_desc d;
    int64_t out[3];
    do
        d = random_desc(op->op, op->depthwise, &sizes, state);
    while (cj_output_size(&d, out) != CJ_OK);
    return d;
}

cj_conv_desc property_linear(const struct sweep_op *op, bool zeros, unsigned *state)
{
    cj_conv_desc d;
    do
        d = property_desc(op, state);
    while (zeros && (d.auto_pad != CJ_PAD_EXPLICIT || d.pad_mode != CJ_PAD_ZEROS));
    d.bias = 0;
    memset(d.post, 0, sizeof d.post);
    d.accuracy = CJ_STRICT;
    return d;
}

struct problem property_problem(const cj_conv_desc *desc, int64_t batch, unsigned seed)
{
    struct problem p = problem_new(desc, batch, seed);
    problem_make_whole(&p, 3, seed);
    return p;
}
