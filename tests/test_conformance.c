/* label: full */
/* Random convolutions of every kind against the oracle, in guarded buffers: each operator, each algorithm that
 * takes it, each instruction set that this machine has. CONVJIT_TEST_CASES sets how many there are of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/check.h"
#include "support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithms[] = {NULL,        "connected", "direct",  "planar",    "winograd", "dot",
                                         "depthwise", "stencil",   "grouped", "separable", "reference"};
static const cj_isa isas[] = {CJ_ISA_HOST, CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};
static const struct random_sizes sizes = {.channels = 48, .row = 32, .column = 9};
static const int64_t batches[] = {0, 1, 1, 1, 2, 5};

static int case_count(void)
{
    const char *text = getenv("CONVJIT_TEST_CASES");
    return text ? atoi(text) : 400;
}

/* `count` valid cases; what the descriptor's rules or an algorithm refuse does not count. */
static void sweep(cj_op op, bool depthwise, unsigned seed)
{
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    int wrong = 0, checked = 0, count = case_count();
    for (unsigned s = seed; checked < count;) {
        cj_conv_desc d = random_desc(op, depthwise, &sizes, &s);
        d.algorithm = algorithms[random_next(&s) % (sizeof algorithms / sizeof *algorithms)];
        d.isa = isas[random_next(&s) % 4];
        int64_t out[3];
        if (cj_output_size(&d, out) != CJ_OK)
            continue;
        enum check_result result = check_case(context, &d, batches[random_next(&s) % 6], s);
        checked += result != CHECK_DECLINED;
        wrong += result == CHECK_DIFFERENT;
        if (wrong > 20)
            break;
    }
    cj_context_destroy(context);
    assert_int_equal(wrong, 0);
}

static void dense(void **state)
{
    (void)state;
    sweep(CJ_CONV, false, 1);
}

static void depthwise(void **state)
{
    (void)state;
    sweep(CJ_CONV, true, 2);
}

static void transposed(void **state)
{
    (void)state;
    sweep(CJ_CONV_TRANSPOSE, false, 3);
}

static void transposed_depthwise(void **state)
{
    (void)state;
    sweep(CJ_CONV_TRANSPOSE, true, 4);
}

static void separable(void **state)
{
    (void)state;
    sweep(CJ_SEPARABLE, false, 5);
}

/* SHAPEs that once failed, and awkward ones that random numbers seldom hit. */
static void regressions(void **state)
{
    (void)state;
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    FILE *file = fopen(TEST_SOURCE_DIR "/shapes/regressions.txt", "r");
    assert_non_null(file);
    char line[400];
    int wrong = 0, lines = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#')
            continue;
        lines++;
        wrong += check_shape(context, line, (unsigned)lines) == CHECK_DIFFERENT;
    }
    fclose(file);
    cj_context_destroy(context);
    assert_true(lines > 0);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense),      cmocka_unit_test(depthwise),
        cmocka_unit_test(transposed), cmocka_unit_test(transposed_depthwise),
        cmocka_unit_test(separable),  cmocka_unit_test(regressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
