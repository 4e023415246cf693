#include "blocks.h"

#include <string.h>

static int64_t count_blocks(const struct blocks *b)
{
    return (b->channels + b->block - 1) / b->block;
}

static size_t element_bytes(const struct blocks *b)
{
    return b->dtype == CJ_F64 ? 8 : 4;
}

/* Where row `row` of [n, c] and the first pixel lie in blocks, in elements. */
static int64_t row_in_blocks(const struct blocks *b, int64_t row)
{
    int64_t image = row / b->channels, channel = row % b->channels;
    int64_t block = image * count_blocks(b) + channel / b->block;
    return block * b->pixels * b->block + channel % b->block;
}

/* Elements from one stride to another. */
struct run {
    char *at;
    size_t step;
};

static void copy(struct run to, struct run from, int64_t count, size_t element)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to.at + (size_t)i * to.step, from.at + (size_t)i * from.step, element);
}

void blocks_fill(const struct blocks *b, const void *plain, void *blocked)
{
    size_t element = element_bytes(b);
    memset(blocked, 0, (size_t)(b->images * count_blocks(b) * b->pixels * b->block) * element);
    for (int64_t row = 0; row < b->images * b->channels; row++) {
        struct run to = {(char *)blocked + (size_t)row_in_blocks(b, row) * element, (size_t)b->block * element};
        struct run from = {(char *)plain + (size_t)(row * b->pixels) * element, element};
        copy(to, from, b->pixels, element);
    }
}

void blocks_empty(const struct blocks *b, const void *blocked, void *plain)
{
    size_t element = element_bytes(b);
    for (int64_t row = 0; row < b->images * b->channels; row++) {
        struct run to = {(char *)plain + (size_t)(row * b->pixels) * element, element};
        struct run from = {(char *)blocked + (size_t)row_in_blocks(b, row) * element,
                           (size_t)b->block * element};
        copy(to, from, b->pixels, element);
    }
}
