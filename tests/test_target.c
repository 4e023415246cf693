/* The tables of instruction sets and element types, against what the processors' manuals say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/target.h"

#include <string.h>

static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};

/* Intel's manual, volume 1: 8 registers more with 64-bit mode, 16 more with EVEX; FMA came with AVX2's
 * x86-64-v3; only EVEX has embedded broadcast. */
static void each_instruction_set_has_its_registers(void **state)
{
    (void)state;
    static const struct {
        cj_isa isa;
        const char *name;
        int bytes, registers, fma, folds, masks;
    } rows[] = {{CJ_ISA_SSE2, "sse2", 16, 16, 0, 0, 0},
                {CJ_ISA_AVX2, "avx2", 32, 16, 1, 0, 0},
                {CJ_ISA_AVX512, "avx512", 64, 32, 1, 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct isa_info *info = isa_info(rows[i].isa);
        assert_string_equal(info->name, rows[i].name);
        assert_int_equal(info->vector_bytes, rows[i].bytes);
        assert_int_equal(info->registers, rows[i].registers);
        assert_int_equal(info->has_fma, rows[i].fma);
        assert_int_equal(info->folds_broadcast, rows[i].folds);
        assert_int_equal(info->has_masks, rows[i].masks);
    }
}

static int has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return 1;
    return 0;
}

static void features_agree_with_the_rest_of_the_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        const struct isa_info *info = isa_info(isas[i]);
        assert_int_equal(has_word(info->features, "fma"), info->has_fma);
        assert_int_equal(has_word(info->features, "avx512f"), info->vector_bytes == 64);
        assert_int_equal(has_word(info->features, "avx2"), info->vector_bytes >= 32);
        assert_int_equal(strncmp(info->llvm_cpu, "x86-64", 6), 0);
    }
}

static void names_lead_back_to_their_rows(void **state)
{
    (void)state;
    static const char *const none[] = {"", "SSE2", "avx", "avx5120", "host", "neon", " avx2"};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        assert_int_equal(isa_by_name(isa_info(isas[i])->name), isas[i]);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(isa_by_name(none[i]), CJ_ISA_HOST);
}

static void presets_have_caches_that_grow_outwards_and_whole_units(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        struct target target = target_preset(isas[i]);
        assert_int_equal(target.isa, isas[i]);
        assert_true(target.l1 > 0);
        assert_true(target.l2 > target.l1);
        assert_true(target.l3 > target.l2);
        assert_int_equal(target.passes, 1);
    }
}

static void element_types_have_the_size_of_cs(void **state)
{
    (void)state;
    assert_int_equal(dtype_bytes(CJ_F32), sizeof(float));
    assert_int_equal(dtype_bytes(CJ_F64), sizeof(double));
    assert_string_equal(dtype_name(CJ_F32), "f32");
    assert_string_equal(dtype_name(CJ_F64), "f64");
}

static void lanes_fill_a_register(void **state)
{
    (void)state;
    static const int f32[] = {4, 8, 16};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        struct target target = target_preset(isas[i]);
        assert_int_equal(target_lanes(&target, CJ_F32), f32[i]);
        assert_int_equal(target_lanes(&target, CJ_F64), f32[i] / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instruction_set_has_its_registers),
        cmocka_unit_test(features_agree_with_the_rest_of_the_row),
        cmocka_unit_test(names_lead_back_to_their_rows),
        cmocka_unit_test(presets_have_caches_that_grow_outwards_and_whole_units),
        cmocka_unit_test(element_types_have_the_size_of_cs),
        cmocka_unit_test(lanes_fill_a_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
