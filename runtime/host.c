/* What the CPU can do and how large its caches are. A preset counts only if the CPU has every feature of its
 * psABI level, since the compiler may use any of them, and if the system saves the registers. */
#include "host.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Three features of x86-64-v3 whose names not every compiler's __builtin_cpu_supports knows. */
static bool has_v3_rest(void)
{
    unsigned a, b, c, d, extended = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid(0x80000001, &a, &b, &extended, &d))
        return false;
    return (c & bit_MOVBE) && (c & bit_F16C) && (extended & bit_LZCNT);
}

/* The builtin asks XGETBV too: a feature whose registers the system does not save is not there. */
static cj_isa widest_isa(void)
{
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
          __builtin_cpu_supports("bmi2") && has_v3_rest()))
        return CJ_ISA_SSE2;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512vl")))
        return CJ_ISA_AVX2;
    return CJ_ISA_AVX512;
}

/* AMD's family 19h with AVX-512 is Zen 4, whose units are 256 bits wide; Zen 5, family 1Ah, has whole ones. */
static bool splits_avx512(void)
{
    unsigned a, b, c, d;
    if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &a, &b, &c, &d))
        return false;
    unsigned family = (a >> 8 & 0xf) + (a >> 20 & 0xff);
    return family == 0x19;
}

/* The brand string: 48 bytes in three leaves, padded with spaces on either side. */
static void read_cpu_name(char *name, size_t size)
{
    unsigned brand[13] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2],
                         &brand[4 * i + 3]))
            return;
    const char *text = (const char *)brand;
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    snprintf(name, size, "%.*s", (int)length, text);
}
#else
static cj_isa widest_isa(void)
{
    return CJ_ISA_HOST;
}
static bool splits_avx512(void)
{
    return false;
}
static void read_cpu_name(char *name, size_t size)
{
    snprintf(name, size, "not an x86-64");
}
#endif

static int usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than cpu_set_t holds */
    return online > 0 ? (int)online : 1;
}

/* Bytes of the data cache of a level. The kernel's own word comes first: under a hypervisor sysconf may add up
 * the caches of a whole socket. 0 where neither knows. */
static int64_t cache_bytes(int level, int name)
{
    static const int indices[] = {0, 2, 3}; /* index1 is the instruction cache */
    char path[80];
    long long kilobytes = 0;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", indices[level]);
    FILE *file = fopen(path, "re");
    bool read = file && fscanf(file, "%lldK", &kilobytes) == 1;
    if (file)
        fclose(file);
    if (read && kilobytes > 0 && kilobytes < INT32_MAX)
        return kilobytes * 1024;
    long size = sysconf(name);
    return size > 0 ? size : 0;
}

void host_probe(struct host *host)
{
    *host = (struct host){.isa = widest_isa(), .cores = usable_cores()};
    host->splits_avx512 = host->isa == CJ_ISA_AVX512 && splits_avx512();
    host->l1 = cache_bytes(0, _SC_LEVEL1_DCACHE_SIZE);
    host->l2 = cache_bytes(1, _SC_LEVEL2_CACHE_SIZE);
    host->l3 = cache_bytes(2, _SC_LEVEL3_CACHE_SIZE);
    snprintf(host->cpu, sizeof host->cpu, "unknown");
    read_cpu_name(host->cpu, sizeof host->cpu);
}

struct target host_target(const struct host *host, cj_isa isa)
{
    struct target target = target_preset(isa);
    target.l1 = host->l1 ? host->l1 : target.l1;
    target.l2 = host->l2 ? host->l2 : target.l2;
    target.l3 = host->l3 ? host->l3 : target.l3;
    target.passes = isa == CJ_ISA_AVX512 && host->splits_avx512 ? 2 : 1;
    return target;
}
