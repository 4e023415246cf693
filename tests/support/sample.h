/* Random correct convolutions, and every plan that is offered for them, for tests that plan and do not run. */
#ifndef CONVJIT_SAMPLE_H
#define CONVJIT_SAMPLE_H

#include "../../src/algo.h"

#include <stdbool.h>

/* A correct descriptor from random_desc, of any operator. `most` bounds channels and sizes, roughly. */
cj_conv_desc sample_desc(unsigned *state, int64_t most);

/* Its SHAPE, to be printed where a test fails. Valid until the next call. */
const char *sample_shape(const cj_conv_desc *desc);

/* One plan that an algorithm offers, on its way through a test. */
struct sample {
    const cj_conv_desc *desc;
    const struct target *target;
    const struct plan *plan;
};

/* Print the SHAPE, the plan and a sentence; false. */
bool sample_wrong(const struct sample *sample, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Run `check` on every candidate of every algorithm for `count` random convolutions and each instruction set's
 * preset. How many plans it called wrong; stops after a few. */
int sample_plans(unsigned seed, int count, int64_t most, bool (*check)(const struct sample *sample));

#endif
