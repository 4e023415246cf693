/* Which ISA a descriptor gets, for every host, cap and wish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/context.h"

#include <string.h>

static const cj_conv_desc desc_1x1 = {.in_channels = 4, .out_channels = 4, .input = {5, 5}, .kernel = {1, 1}};

/* What the rules of the public header say, written the long way round. */
static int expected_isa(int host, int cap, int wish, enum purpose purpose)
{
    int isa = CJ_ISA_AVX512;
    if (wish != CJ_ISA_HOST && purpose == FOR_RUNNING && wish > host)
        return -1;
    if ((wish == CJ_ISA_HOST || purpose == FOR_RUNNING) && isa > host)
        isa = host;
    if (cap != CJ_ISA_HOST && isa > cap)
        isa = cap;
    if (wish != CJ_ISA_HOST && isa > wish)
        isa = wish;
    return isa;
}

static void expect(int host, int cap, int wish, enum purpose purpose)
{
    cj_context context = {.config.isa = (cj_isa)cap, .host.isa = (cj_isa)host};
    cj_conv_desc desc = desc_1x1;
    struct request request;
    desc.isa = (cj_isa)wish;
    int expected = expected_isa(host, cap, wish, purpose);
    cj_status status = request_from_desc(&context, &desc, purpose, &request);
    assert_int_equal(status, expected < 0 ? CJ_UNSUPPORTED : CJ_OK);
    if (status == CJ_OK)
        assert_int_equal(request.isa, expected);
    else
        assert_non_null(strstr(cj_last_error(), "but this CPU has "));
}

static void the_isa_is_the_narrowest_of_host_cap_and_wish(void **state)
{
    (void)state;
    for (int host = CJ_ISA_SSE2; host <= CJ_ISA_AVX512; host++)
        for (int cap = CJ_ISA_HOST; cap <= CJ_ISA_AVX512; cap++)
            for (int wish = CJ_ISA_HOST; wish <= CJ_ISA_AVX512; wish++)
                for (int purpose = FOR_RUNNING; purpose <= FOR_LOOKING; purpose++)
                    expect(host, cap, wish, (enum purpose)purpose);
}

static void a_host_without_preset_can_only_look(void **state)
{
    (void)state;
    cj_context context = {.host.isa = CJ_ISA_HOST};
    cj_conv_desc desc = desc_1x1;
    struct request request;
    assert_int_equal(request_from_desc(&context, &desc, FOR_RUNNING, &request), CJ_UNSUPPORTED);
    assert_int_equal(request_from_desc(&context, &desc, FOR_LOOKING, &request), CJ_UNSUPPORTED);
    desc.isa = CJ_ISA_SSE2;
    assert_int_equal(request_from_desc(&context, &desc, FOR_RUNNING, &request), CJ_UNSUPPORTED);
    assert_int_equal(request_from_desc(&context, &desc, FOR_LOOKING, &request), CJ_OK);
}

static void wrong_fields_are_named(void **state)
{
    (void)state;
    cj_context context = {.host.isa = CJ_ISA_AVX2};
    cj_conv_desc desc = desc_1x1;
    struct request request;
    desc.isa = (cj_isa)4;
    assert_int_equal(request_from_desc(&context, &desc, FOR_LOOKING, &request), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "isa is 4"));
    desc.isa = CJ_ISA_HOST;
    desc.algorithm = "magic";
    assert_int_equal(request_from_desc(&context, &desc, FOR_RUNNING, &request), CJ_INVALID);
    assert_non_null(strstr(cj_last_error(), "algorithm is \"magic\""));
}

static void caches_of_the_host_count_only_for_what_it_runs(void **state)
{
    (void)state;
    cj_context context = {.host = {.isa = CJ_ISA_AVX2, .l1 = 12345, .l2 = 23456, .l3 = 34567}};
    struct target here = request_target(&context, &(struct request){.isa = CJ_ISA_SSE2});
    struct target above = request_target(&context, &(struct request){.isa = CJ_ISA_AVX512});
    struct target preset = target_preset(CJ_ISA_AVX512);
    assert_int_equal(here.isa, CJ_ISA_SSE2);
    assert_int_equal(here.l1, 12345);
    assert_int_equal(here.l3, 34567);
    assert_int_equal(above.isa, CJ_ISA_AVX512);
    assert_int_equal(above.l1, preset.l1);
    assert_int_equal(above.l2, preset.l2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_isa_is_the_narrowest_of_host_cap_and_wish),
        cmocka_unit_test(a_host_without_preset_can_only_look),
        cmocka_unit_test(wrong_fields_are_named),
        cmocka_unit_test(caches_of_the_host_count_only_for_what_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
