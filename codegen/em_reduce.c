/* Sums across lanes.
 *
 * Summing each of several vectors alone would take log2(lanes) shuffles and additions for one number. Summing
 * them together, a pair becomes one vector that holds the half-way sums of both: lanes vectors take lanes - 1
 * such steps for as many numbers. The steps within 128-bit chunks come first: there are more of them, and they
 * are the cheaper ones. The order of each sum is the same whatever stands beside it. */
#include "em_shuffle.h"

/* The vectors pairwise, one from each pair; a last one without a partner is paired with nothing. Half-way sums
 * of a chunk's groups of `width`, or of whole chunks where width is 0. Returns how many are left. */
static int fold_pairs(struct em *em, em_vec sums[], int count, int width)
{
    for (int i = 0; i < count; i += 2) {
        em_vec a = sums[i], b = i + 1 < count ? sums[i + 1] : em_poison(em), half[2];
        for (int h = 0; h < 2; h++)
            half[h] = width ? em_unpack(em, a, b, h, width) : em_every_other_chunk(em, a, b, h);
        sums[i / 2] = em_vadd(em, half[0], half[1]);
    }
    return (count + 1) / 2;
}

em_vec em_sum_lanes(struct em *em, const em_vec vectors[], int count)
{
    em_vec sums[EM_MOST_LANES] = {0};
    int chunk = em_chunk_lanes(em);
    for (int i = 0; i < count; i++)
        sums[i] = vectors[i];
    for (int width = 1; width < chunk; width *= 2)
        count = fold_pairs(em, sums, count, width);
    for (int lanes = chunk; lanes < em_lanes(em); lanes *= 2)
        count = fold_pairs(em, sums, count, 0);
    return sums[0];
}
