/* What the probe says of this CPU, against what the kernel says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/host.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of the first line of /proc/cpuinfo that begins with `field`, in spaces; "" if there is none. */
static void read_cpuinfo(const char *field, char *value, size_t size)
{
    char line[8192];
    FILE *file = fopen("/proc/cpuinfo", "r");
    assert_non_null(file);
    snprintf(value, size, "%s", "");
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, field, strlen(field)) != 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(value, size, " %s ", strchr(line, ':') + 2);
        break;
    }
    fclose(file);
}

static bool has_all(const char *flags, const char *const *names)
{
    for (; *names; names++) {
        char word[32];
        snprintf(word, sizeof word, " %s ", *names);
        if (!strstr(flags, word))
            return false;
    }
    return true;
}

static void the_isa_is_the_widest_that_the_kernel_lists(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    static const char *const v3[] = {"avx2", "fma", "bmi1", "bmi2", "f16c", "abm", "movbe", NULL};
    static const char *const v4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", NULL};
    char flags[8192];
    read_cpuinfo("flags", flags, sizeof flags);
    cj_isa expected = !has_all(flags, v3) ? CJ_ISA_SSE2 : !has_all(flags, v4) ? CJ_ISA_AVX2 : CJ_ISA_AVX512;
    struct host host;
    host_probe(&host);
    assert_int_equal(host.isa, expected);
}

static void the_cpu_is_named(void **state)
{
    (void)state;
    char model[128], name[80];
    struct host host;
    read_cpuinfo("model name", model, sizeof model);
    host_probe(&host);
    snprintf(name, sizeof name, "%s", host.cpu);
    assert_true(strlen(name) > 0);
    assert_true(name[0] != ' ' && name[strlen(name) - 1] != ' ');
    assert_non_null(strstr(model, name));
}

static void cores_are_those_that_the_process_may_use(void **state)
{
    (void)state;
    int cores = 0;
    struct host host;
    FILE *nproc = popen("OMP_NUM_THREADS= OMP_THREAD_LIMIT= nproc", "r");
    assert_non_null(nproc);
    assert_int_equal(fscanf(nproc, "%d", &cores), 1);
    pclose(nproc);
    host_probe(&host);
    assert_int_equal(host.cores, cores);
}

static void a_target_takes_known_caches_and_presets_for_the_rest(void **state)
{
    (void)state;
    struct host host = {.isa = CJ_ISA_AVX512, .l1 = 48 << 10, .l3 = 7 << 20};
    struct target preset = target_preset(CJ_ISA_AVX2), target = host_target(&host, CJ_ISA_AVX2);
    assert_int_equal(target.isa, CJ_ISA_AVX2);
    assert_int_equal(target.l1, 48 << 10);
    assert_int_equal(target.l2, preset.l2);
    assert_int_equal(target.l3, 7 << 20);
}

/* Zen 4 alone has AVX-512 on units of 256 bits: family 19h, which it shares with Zen 3. */
static void avx512_is_split_on_zen_4(void **state)
{
    (void)state;
    char vendor[128], family[128];
    struct host host;
    read_cpuinfo("vendor_id", vendor, sizeof vendor);
    read_cpuinfo("cpu family", family, sizeof family);
    host_probe(&host);
    bool zen_4 = host.isa == CJ_ISA_AVX512 && strstr(vendor, " AuthenticAMD ") && strstr(family, " 25 ");
    assert_int_equal(host.splits_avx512, zen_4);
}

static void only_vectors_wider_than_units_take_two_passes(void **state)
{
    (void)state;
    for (int isa = CJ_ISA_SSE2; isa <= CJ_ISA_AVX512; isa++)
        for (int splits = 0; splits < 2; splits++) {
            struct host host = {.isa = CJ_ISA_AVX512, .splits_avx512 = splits};
            int64_t expected = isa == CJ_ISA_AVX512 && splits ? 2 : 1;
            assert_int_equal(host_target(&host, (cj_isa)isa).passes, expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_isa_is_the_widest_that_the_kernel_lists),
        cmocka_unit_test(the_cpu_is_named),
        cmocka_unit_test(cores_are_those_that_the_process_may_use),
        cmocka_unit_test(a_target_takes_known_caches_and_presets_for_the_rest),
        cmocka_unit_test(avx512_is_split_on_zen_4),
        cmocka_unit_test(only_vectors_wider_than_units_take_two_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
