/* What tests of words have in common: a trial for every target, the sentence about a wrong one, kernels for
 * whole plans, integers in and out of generated code. */
#ifndef CONVJIT_WORDS_TRIALS_H
#define CONVJIT_WORDS_TRIALS_H

#include "words.h"

#include <stdbool.h>

/* Call `trial` for each instruction set that this machine has, both types and each number of lanes. How often
 * it was false: it says why with words_wrong. */
int words_wrong_ones(bool (*trial)(const struct words *words, const void *arg), const void *arg);

/* Print the target and a sentence on standard error; false. */
bool words_wrong(const struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A plan with nothing but the target in it. */
struct plan words_plan(const struct words *words);

/* Compile and map an emission that sees its plan; what fails ends the test. */
typedef void words_emit(struct em *em, const struct plan *plan, const void *arg);
struct words_kernel words_open_plan(const struct plan *plan, words_emit *emit, const void *arg);

/* Open, run and close. */
struct words_call {
    void *dst;
    const void *src, *weights, *bias;
    const void *const *extra;
    void *scratch;
    int64_t first, last;
};
void words_run(const struct plan *plan, words_emit *emit, const void *arg, const struct words_call *call);

/* Element `index` of memory that holds elements of a type. */
double element_get(cj_dtype dtype, const void *from, int64_t index);
void element_put(cj_dtype dtype, void *to, int64_t index, double value);

/* Integers in and out of generated code, which em.h has no words for: number `index` of the int64_t at `at`. */
em_int words_load_int(struct em *em, em_ptr at, em_int index);
void words_store_int(struct em *em, em_ptr at, em_int index, em_int value);

/* Where a pointer points, in bytes from `base`. */
em_int words_distance(struct em *em, em_ptr base, em_ptr pointer);

#endif
