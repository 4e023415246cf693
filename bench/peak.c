/* Twelve independent chains of multiply-adds fit the registers of each instruction set and are more than its
 * latency times its width needs; the constants make each chain converge, so that it neither overflows nor
 * becomes subnormal. Without FMA a step is a multiplication and an addition, as generated code would do. */
#include "peak.h"

#include "../runtime/cli/stopwatch.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 12, STEPS = 10000 };

#define STEP_SSE2_F32(c, a, b) _mm_add_ps(_mm_mul_ps(c, a), b)
#define STEP_SSE2_F64(c, a, b) _mm_add_pd(_mm_mul_pd(c, a), b)

#define NAME sse2_f32
#define ISA "sse2"
#define VECTOR __m128
#define SET1 _mm_set1_ps
#define ADD _mm_add_ps
#define STEP STEP_SSE2_F32
#define FIRST _mm_cvtss_f32
#include "peak_chains.inc"

#define NAME sse2_f64
#define ISA "sse2"
#define VECTOR __m128d
#define SET1 _mm_set1_pd
#define ADD _mm_add_pd
#define STEP STEP_SSE2_F64
#define FIRST _mm_cvtsd_f64
#include "peak_chains.inc"

#define NAME avx2_f32
#define ISA "avx2,fma"
#define VECTOR __m256
#define SET1 _mm256_set1_ps
#define ADD _mm256_add_ps
#define STEP _mm256_fmadd_ps
#define FIRST _mm256_cvtss_f32
#include "peak_chains.inc"

#define NAME avx2_f64
#define ISA "avx2,fma"
#define VECTOR __m256d
#define SET1 _mm256_set1_pd
#define ADD _mm256_add_pd
#define STEP _mm256_fmadd_pd
#define FIRST _mm256_cvtsd_f64
#include "peak_chains.inc"

#define NAME avx512_f32
#define ISA "avx512f"
#define VECTOR __m512
#define SET1 _mm512_set1_ps
#define ADD _mm512_add_ps
#define STEP _mm512_fmadd_ps
#define FIRST _mm512_cvtss_f32
#include "peak_chains.inc"

#define NAME avx512_f64
#define ISA "avx512f"
#define VECTOR __m512d
#define SET1 _mm512_set1_pd
#define ADD _mm512_add_pd
#define STEP _mm512_fmadd_pd
#define FIRST _mm512_cvtsd_f64
#include "peak_chains.inc"

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

#define NAME read_sse2
#define ISA "sse2"
#define VECTOR __m128i
#define LOAD _mm_load_si128
#define MERGE _mm_or_si128
#include "peak_read.inc"

#define NAME read_avx2
#define ISA "avx2"
#define VECTOR __m256i
#define LOAD _mm256_load_si256
#define MERGE _mm256_or_si256
#include "peak_read.inc"

#define NAME read_avx512
#define ISA "avx512f"
#define VECTOR __m512i
#define LOAD _mm512_load_si512
#define MERGE _mm512_or_si512
#include "peak_read.inc"

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
