/* Tensors into blocks of channels and back, by the definition [n, ceil(c / B), pixels, B]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/blocks.h"

#include <stdlib.h>
#include <string.h>

static double get(cj_dtype dtype, const void *from, int64_t index)
{
    return dtype == CJ_F64 ? ((const double *)from)[index] : (double)((const float *)from)[index];
}

static void put(cj_dtype dtype, void *to, int64_t index, double value)
{
    if (dtype == CJ_F64)
        ((double *)to)[index] = value;
    else
        ((float *)to)[index] = (float)value;
}

/* Element `index` of the blocked tensor: that of the plain one, counted from 1, or 0 where it pads a block. */
static double expected(const struct blocks *b, int64_t index)
{
    int64_t in_block = index % b->block, rest = index / b->block, pixel = rest % b->pixels;
    int64_t blocks = (b->channels + b->block - 1) / b->block;
    rest /= b->pixels;
    int64_t channel = rest % blocks * b->block + in_block, image = rest / blocks;
    return channel < b->channels ? (double)((image * b->channels + channel) * b->pixels + pixel + 1) : 0;
}

static void expect_both_ways(const struct blocks *b)
{
    size_t element = b->dtype == CJ_F64 ? 8 : 4;
    int64_t plain_count = b->images * b->channels * b->pixels;
    int64_t count = b->images * ((b->channels + b->block - 1) / b->block) * b->block * b->pixels;
    void *plain = malloc((size_t)plain_count * element + 1), *back = malloc((size_t)plain_count * element + 1);
    void *blocked = malloc((size_t)count * element + 1);
    for (int64_t i = 0; i < plain_count; i++)
        put(b->dtype, plain, i, (double)(i + 1));
    memset(blocked, 0xff, (size_t)count * element + 1);
    blocks_fill(b, plain, blocked);
    for (int64_t i = 0; i < count; i++)
        if (get(b->dtype, blocked, i) != expected(b, i))
            fail_msg("%d channels in blocks of %d: element %d", (int)b->channels, (int)b->block, (int)i);
    assert_int_equal(((unsigned char *)blocked)[(size_t)count * element], 0xff);
    memset(back, 0xff, (size_t)plain_count * element + 1);
    blocks_empty(b, blocked, back);
    assert_memory_equal(back, plain, (size_t)plain_count * element);
    assert_int_equal(((unsigned char *)back)[(size_t)plain_count * element], 0xff);
    free(plain);
    free(back);
    free(blocked);
}

static void tensors_go_into_blocks_and_come_back(void **state)
{
    (void)state;
    for (int64_t channels = 1; channels <= 35; channels++)
        for (int64_t block = 2; block <= 64; block *= 2)
            for (int64_t images = 0; images <= 2; images++) {
                struct blocks b = {
                    .images = images, .channels = channels, .pixels = 3 * images, .block = block};
                b.dtype = channels % 2 ? CJ_F32 : CJ_F64;
                expect_both_ways(&b);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_go_into_blocks_and_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
