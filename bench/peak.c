/* Twelve independent chains of multiply-adds fit the registers of each instruction set and are more than its
 * latency times its width needs; the constants make each chain converge, so that it neither overflows nor
 * becomes subnormal. Without FMA a step is a multiplication and an addition, as generated code would do. */
#include "peak.h"

#include "../runtime/cli/stopwatch.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 12, STEPS = 10000 };

/* A row for one instruction set and type: STEPS steps in each chain; what it returns keeps the chains alive. */
#define CHAINS_FUNCTION(name, isa, vector, set1, add, step, first)                      \
    __attribute__((target(isa), noinline)) static double name(void)                     \
    {                                                                                   \
        const vector a = set1(0.75), b = set1(0.25);                                    \
        vector c0 = set1(1), c1 = set1(2), c2 = set1(3), c3 = set1(4), c4 = set1(5);    \
        vector c5 = set1(6), c6 = set1(7), c7 = set1(8), c8 = set1(9), c9 = set1(10);   \
        vector c10 = set1(11), c11 = set1(12);                                          \
        for (int i = 0; i < STEPS; i++) {                                               \
            c0 = step(c0, a, b), c1 = step(c1, a, b), c2 = step(c2, a, b);              \
            c3 = step(c3, a, b), c4 = step(c4, a, b), c5 = step(c5, a, b);              \
            c6 = step(c6, a, b), c7 = step(c7, a, b), c8 = step(c8, a, b);              \
            c9 = step(c9, a, b), c10 = step(c10, a, b), c11 = step(c11, a, b);          \
        }                                                                               \
        vector sum = add(add(add(c0, c1), add(c2, c3)), add(add(c4, c5), add(c6, c7))); \
        return (double)first(add(sum, add(add(c8, c9), add(c10, c11))));                \
    }

#define STEP_SSE2_F32(c, a, b) _mm_add_ps(_mm_mul_ps(c, a), b)
#define STEP_SSE2_F64(c, a, b) _mm_add_pd(_mm_mul_pd(c, a), b)

CHAINS_FUNCTION(sse2_f32, "sse2", __m128, _mm_set1_ps, _mm_add_ps, STEP_SSE2_F32, _mm_cvtss_f32)
CHAINS_FUNCTION(sse2_f64, "sse2", __m128d, _mm_set1_pd, _mm_add_pd, STEP_SSE2_F64, _mm_cvtsd_f64)
CHAINS_FUNCTION(avx2_f32, "avx2,fma", __m256, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps, _mm256_cvtss_f32)
CHAINS_FUNCTION(avx2_f64, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_add_pd, _mm256_fmadd_pd, _mm256_cvtsd_f64)
CHAINS_FUNCTION(avx512_f32, "avx512f", __m512, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_cvtss_f32)
CHAINS_FUNCTION(avx512_f64, "avx512f", __m512d, _mm512_set1_pd, _mm512_add_pd, _mm512_fmadd_pd,
                _mm512_cvtsd_f64)

static const struct level {
    double (*chains[2])(void); /* by cj_dtype */
    int vector_bytes;
} levels[] = {{{sse2_f32, sse2_f64}, 16}, {{avx2_f32, avx2_f64}, 32}, {{avx512_f32, avx512_f64}, 64}};

static const struct level *widest_level(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return &levels[2];
    return &levels[__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")];
}

/* Where results go, so that no compiler leaves out the work. */
static void keep(double value)
{
    volatile double sink = value;
    (void)sink;
}

void peak_measure(struct peak *peak)
{
    static const int element_bytes[2] = {4, 8};
    const struct level *level = widest_level();
    for (int dtype = 0; dtype < 2; dtype++) {
        double flops = 2.0 * CHAINS * STEPS * level->vector_bytes / element_bytes[dtype];
        for (int i = 0; i < 20; i++) {
            double start = seconds_now();
            keep(level->chains[dtype]());
            double gflops = flops / (seconds_now() - start) * 1e-9;
            if (gflops > peak->gflops[dtype])
                peak->gflops[dtype] = gflops;
        }
    }
}

/* ---- Memory ---- */

/* Four chains of an operation that is cheaper than the loads that feed it. `size` is a multiple of 512. */
#define READ_FUNCTION(name, isa, vector, load, merge)                                      \
    __attribute__((target(isa), noinline)) static double name(const char *at, size_t size) \
    {                                                                                      \
        enum { V = sizeof(vector) };                                                       \
        vector c0 = load((const void *)at), c1 = c0, c2 = c0, c3 = c0;                     \
        for (const char *end = at + size; at < end; at += 8 * V) {                         \
            c0 = merge(c0, load((const void *)at));                                        \
            c1 = merge(c1, load((const void *)(at + V)));                                  \
            c2 = merge(c2, load((const void *)(at + 2 * V)));                              \
            c3 = merge(c3, load((const void *)(at + 3 * V)));                              \
            c0 = merge(c0, load((const void *)(at + 4 * V)));                              \
            c1 = merge(c1, load((const void *)(at + 5 * V)));                              \
            c2 = merge(c2, load((const void *)(at + 6 * V)));                              \
            c3 = merge(c3, load((const void *)(at + 7 * V)));                              \
        }                                                                                  \
        vector all = merge(merge(c0, c1), merge(c2, c3));                                  \
        double first;                                                                      \
        memcpy(&first, &all, sizeof first);                                                \
        return first;                                                                      \
    }

READ_FUNCTION(read_sse2, "sse2", __m128i, _mm_load_si128, _mm_or_si128)
READ_FUNCTION(read_avx2, "avx2", __m256i, _mm256_load_si256, _mm256_or_si256)
READ_FUNCTION(read_avx512, "avx512f", __m512i, _mm512_load_si512, _mm512_or_si512)

/* The best of many passes for some 20 ms. */
double peak_read_bandwidth(int64_t bytes)
{
    static double (*const readers[])(const char *, size_t) = {read_sse2, read_avx2, read_avx512};
    double (*reader)(const char *, size_t) = readers[widest_level() - levels];
    size_t size = (size_t)bytes / 512 * 512;
    char *memory = size ? aligned_alloc(64, size) : NULL;
    double best = 0;
    if (!memory)
        return 0;
    memset(memory, 1, size);
    size_t passes = size < 65536 ? 65536 / size + 1 : 1; /* so that a turn is longer than the clock's grain */
    for (double end = seconds_now() + 0.02; seconds_now() < end;) {
        double start = seconds_now();
        for (size_t i = 0; i < passes; i++)
            keep(reader(memory, size));
        double speed = (double)(size * passes) / (seconds_now() - start) * 1e-9;
        best = speed > best ? speed : best;
    }
    free(memory);
    return best;
}
