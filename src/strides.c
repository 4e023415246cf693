/* Where the elements of a tensor lie: from a layout, or from strides that the caller gave. */
#include "strides.h"

#include "arith.h"
#include "fields.h"
#include "status.h"

#include <assert.h>
#include <string.h>

/* From the innermost dimension out; blocks of channels lie outside of space. */
static void dense_strides(const struct tensor *t, int rank, int64_t strides[5], struct strides *result)
{
    int64_t step = 1;
    assert(rank >= 1 && rank <= 3);
    if (t->layout != CJ_NCHW) {
        strides[1] = 1;
        step = t->block ? t->block : t->channels;
    }
    for (int i = rank - 1; i >= 0; i--) {
        strides[2 + i] = step;
        step *= t->size[i];
    }
    if (t->layout == CJ_NCHW) {
        strides[1] = step;
        step *= t->channels;
    }
    if (t->block) {
        result->block = t->block;
        result->block_step = step;
        step *= ceil_div(t->channels, t->block);
    }
    strides[0] = step;
}

/* Sort dimensions by stride. */
static void order_by_stride(const int64_t *strides, int count, int order[5])
{
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && strides[order[at - 1]] > strides[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* Elements never overlap if each stride steps over all that the smaller ones reach. */
static cj_status check_overlap(const struct tensor *t, int rank, const int64_t sizes[5])
{
    int64_t reach = 0;
    int order[5] = {0};
    order_by_stride(t->given, rank + 2, order);
    for (int i = 0; i < rank + 2; i++) {
        int at = order[i];
        if (sizes[at] == 1)
            continue;
        if (t->given[at] <= reach)
            return fail(CJ_INVALID,
                        "%s[%d] is %lld; it must be at least %lld, to step over all that smaller strides reach",
                        t->strides_name, at, (long long)t->given[at], (long long)reach + 1);
        reach += t->given[at] * (sizes[at] - 1);
    }
    return CJ_OK;
}

static cj_status given_strides(const struct tensor *t, int rank, int64_t strides[5])
{
    /* The batch has no size here: two images stand for any number. */
    int64_t sizes[5] = {2, t->channels, t->reach[0], t->reach[1], t->reach[2]}, reach = 0;
    for (int i = 0; i < 5; i++) {
        if (i >= rank + 2 && t->given[i])
            return fail(CJ_INVALID, "%s[%d] is %lld; entries behind rank %d must be 0", t->strides_name, i,
                        (long long)t->given[i], rank);
        TRY(check_entry(t->strides_name, i, t->given[i], 0, MOST));
        int64_t length;
        if (i >= rank + 2)
            continue;
        if (!mul_fits(t->given[i], sizes[i] - 1, &length) || length > MOST / 8 || (reach += length) > MOST / 8)
            return fail(CJ_INVALID, "%s[%d] is %lld; with it an image would reach over more than 2^60 bytes",
                        t->strides_name, i, (long long)t->given[i]);
    }
    memcpy(strides, t->given, 5 * sizeof *strides);
    return t->may_broadcast ? CJ_OK : check_overlap(t, rank, sizes);
}

cj_status strides_of_tensor(const struct tensor *t, int rank, struct strides *result)
{
    int64_t strides[5] = {0};
    *result = (struct strides){0};
    if (t->layout == CJ_STRIDED)
        TRY(given_strides(t, rank, strides));
    else
        dense_strides(t, rank, strides, result);
    result->n = strides[0];
    result->c = strides[1];
    for (int i = 0; i < rank; i++)
        result->axis[AXES - rank + i] = strides[2 + i];
    return CJ_OK;
}

enum { MOST_BLOCK = 64 };

cj_status strides_check_block(const char *field, cj_layout layout, int64_t block)
{
    if (block && layout != CJ_NCHWC)
        return fail(CJ_INVALID, "%s is %lld; it is for CJ_NCHWC only", field, (long long)block);
    if (!block || (block > 1 && block <= MOST_BLOCK && (block & (block - 1)) == 0))
        return CJ_OK;
    return fail(CJ_INVALID, "%s is %lld; it must be a power of two from 2 to %d", field, (long long)block,
                MOST_BLOCK);
}

int64_t strides_channel(const struct strides *strides, int64_t channel)
{
    if (!strides->block)
        return channel * strides->c;
    return channel / strides->block * strides->block_step + channel % strides->block;
}

bool strides_side_by_side(const struct strides *strides, int64_t first, int64_t count)
{
    bool in_block = !strides->block || (strides->block % count == 0 && first % count == 0);
    return strides->c == 1 && in_block;
}

bool conv_groups_begin_blocks(const struct conv *conv)
{
    return !conv->src.block || conv->groups == 1 || conv->ic / conv->groups % conv->src.block == 0;
}
