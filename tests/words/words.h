/* Words of codegen/em.h at work: an emission as a function that can be called. */
#ifndef CONVJIT_WORDS_TEST_H
#define CONVJIT_WORDS_TEST_H

#include "../../codegen/em.h"
#include "../../runtime/loader.h"
#include "../../src/plugin.h"

/* What an emission is for. */
struct words {
    cj_isa isa;
    cj_dtype dtype;
    int lanes;
};

/* Opened by words_open_plan. */
struct words_kernel {
    kernel_fn *run;
    struct code code;
};

void words_close(struct words_kernel *kernel);

/* Element `index` of an array of the words' type. */
double words_get(const struct words *words, const void *array, int64_t index);
void words_set(const struct words *words, void *array, int64_t index, double value);

/* "avx2 f32 x8". */
const char *words_name(const struct words *words);

#endif
