/* Rows with zeros around them.
 *
 * All is known now but where the row lies: vectors that are wholly inside go by a loop, those at the ends under
 * masks that are constants, so that an element is moved once and the zeros cost nothing of their own. */
#include "em_internal.h"

#include "../src/arith.h"

/* Vectors number `index` of all parts: `split` vectors of the row, picked apart. */
static void copy_vectors(struct em *em, em_ptr to, em_ptr from, em_mask inside[], const struct em_padded *row)
{
    em_vec loaded[EM_PARTS];
    int split = (int)row->split;
    for (int i = 0; i < split; i++) {
        em_ptr at = em_at(em, from, (int64_t)i * em->lanes);
        loaded[i] = inside ? em_load_masked(em, at, inside[i]) : em_load(em, at);
    }
    for (int i = 0; i < split; i++)
        em_store(em, em_at(em, to, i * row->part), em_pick(em, loaded, split, i));
}

static void copy_ends(struct em *em, em_ptr to, const struct em_padded *row, int64_t begin, int64_t end)
{
    em_mask inside[EM_PARTS];
    for (int64_t v = begin; v < end; v++) {
        int64_t first = row->first + v * em->lanes * row->split;
        for (int i = 0; i < (int)row->split; i++)
            inside[i] = em_inside(em, em_i(em, first + (int64_t)i * em->lanes), row->size);
        copy_vectors(em, em_at(em, to, v * em->lanes), em_at(em, row->from, first), inside, row);
    }
}

void em_copy_padded(struct em *em, em_ptr to, const struct em_padded *row)
{
    int64_t lanes = em->lanes, stride = lanes * row->split, count = ceil_div(row->count, stride);
    int64_t begin = clamp64(ceil_div(-row->first, stride), 0, count);
    int64_t end = max64(begin, min64(count, (row->size - row->first) / stride));
    copy_ends(em, to, row, 0, begin);
    em_ptr whole = em_at(em, to, begin * lanes), from = em_at(em, row->from, row->first + begin * stride);
    EM_STREAM(em, v, em_i(em, begin), em_i(em, end), 1)
    copy_vectors(em, em_walk(&v, whole, lanes), em_walk(&v, from, stride), NULL, row);
    copy_ends(em, to, row, end, count);
}
