/* Keys: every byte of the plan counts, and nothing but the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/key.h"
#include "support/sample.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct plan plan_of(const cj_conv_desc *desc, cj_isa isa)
{
    struct conv conv;
    struct plan plan;
    struct target target = target_preset(isa);
    assert_int_equal(conv_from_desc(desc, &conv), CJ_OK);
    assert_int_equal(plan_choose(&conv, &target, NULL, &plan), CJ_OK);
    return plan;
}

static const cj_conv_desc layer = {.in_channels = 16, .out_channels = 24, .input = {14, 14}, .kernel = {3, 3}};

static bool same_hash(struct key_hash a, struct key_hash b)
{
    return a.low == b.low && a.high == b.high;
}

static void a_key_holds_what_decides_the_code(void **state)
{
    (void)state;
    struct plan plan = plan_of(&layer, CJ_ISA_AVX2);
    struct key key = key_of_plan(&plan);
    assert_memory_equal(&key.plan, &plan, sizeof plan);
    assert_int_equal(key.llvm_version, CONVJIT_LLVM_VERSION);
    assert_memory_equal(key.codegen_id, CONVJIT_CODEGEN_ID, sizeof key.codegen_id);
    assert_true(key.format > 0);
}

/* Keys are made in memory that holds other things. */
static void equal_plans_have_equal_keys_and_hashes(void **state)
{
    (void)state;
    struct plan first, second;
    struct key keys[2];
    memset(&first, 0x55, sizeof first);
    memset(&second, 0xaa, sizeof second);
    memset(keys, 0x33, sizeof keys);
    first = plan_of(&layer, CJ_ISA_AVX512);
    second = plan_of(&layer, CJ_ISA_AVX512);
    keys[0] = key_of_plan(&first);
    keys[1] = key_of_plan(&second);
    assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
    assert_true(key_equal(&keys[0], &keys[1]));
    assert_true(same_hash(key_hash(&keys[0]), key_hash(&keys[1])));
}

/* Each byte of the key in turn: another key with another hash. */
static void every_byte_counts(void **state)
{
    (void)state;
    struct plan plan = plan_of(&layer, CJ_ISA_SSE2);
    struct key key = key_of_plan(&plan);
    struct key_hash hash = key_hash(&key);
    for (size_t i = 0; i < sizeof key; i++) {
        struct key other = key;
        ((unsigned char *)&other)[i] ^= 1;
        assert_false(key_equal(&key, &other));
        assert_false(same_hash(hash, key_hash(&other)));
    }
}

/* Each number of the plan, so that none is left out of the key. */
static void every_number_of_the_plan_counts(void **state)
{
    (void)state;
    struct plan plan = plan_of(&layer, CJ_ISA_AVX2);
    struct key key = key_of_plan(&plan);
    assert_int_equal(sizeof plan % 8, 0);
    for (size_t i = 0; i < sizeof plan / 8; i++) {
        struct plan changed = plan;
        int64_t number;
        memcpy(&number, (char *)&changed + i * 8, 8);
        number++;
        memcpy((char *)&changed + i * 8, &number, 8);
        struct key other = key_of_plan(&changed);
        assert_false(key_equal(&key, &other));
    }
}

static void instruction_sets_and_types_have_their_own_keys(void **state)
{
    (void)state;
    static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};
    struct key keys[6];
    for (int i = 0; i < 6; i++) {
        cj_conv_desc desc = layer;
        desc.dtype = i % 2 ? CJ_F64 : CJ_F32;
        struct plan plan = plan_of(&desc, isas[i / 2]);
        keys[i] = key_of_plan(&plan);
        for (int k = 0; k < i; k++)
            assert_false(key_equal(&keys[i], &keys[k]));
    }
}

static void the_hash_is_xxh3_of_the_bytes(void **state)
{
    (void)state;
    struct plan plan = plan_of(&layer, CJ_ISA_AVX2);
    struct key key = key_of_plan(&plan);
    XXH128_hash_t expected = XXH3_128bits(&key, sizeof key);
    assert_true(key_hash(&key).low == expected.low64);
    assert_true(key_hash(&key).high == expected.high64);
}

static void a_hash_is_printed_as_32_digits(void **state)
{
    (void)state;
    static const struct {
        struct key_hash hash;
        const char *text;
    } rows[] = {
        {{0, 0}, "00000000000000000000000000000000"},
        {{1, 0}, "00000000000000000000000000000001"},
        {{0x123456789abcdef0, 0xf}, "000000000000000f123456789abcdef0"},
        {{UINT64_MAX, UINT64_MAX}, "ffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[34] = {0};
        text[33] = 'x';
        key_print(rows[i].hash, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(text[33], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_holds_what_decides_the_code),
        cmocka_unit_test(equal_plans_have_equal_keys_and_hashes),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(every_number_of_the_plan_counts),
        cmocka_unit_test(instruction_sets_and_types_have_their_own_keys),
        cmocka_unit_test(the_hash_is_xxh3_of_the_bytes),
        cmocka_unit_test(a_hash_is_printed_as_32_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
