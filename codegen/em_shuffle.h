/* Shuffles of two vectors, which sums across lanes and transposed squares are made of. Algorithm files do not
 * include it. */
#ifndef CONVJIT_EM_SHUFFLE_H
#define CONVJIT_EM_SHUFFLE_H

#include "em.h"

/* The most lanes that a vector can have: 64 bytes of f32. */
enum { EM_MOST_LANES = 16 };

/* Lanes of a chunk of 128 bits; all lanes where a vector is shorter. */
int em_chunk_lanes(const struct em *em);

/* In each chunk: groups of `width` elements from the lower (half 0) or upper half of a's and of b's, in turn.
 */
em_vec em_unpack(struct em *em, em_vec a, em_vec b, int half, int width);

/* The chunks of a with an even (half 0) or odd number, then those of b. */
em_vec em_every_other_chunk(struct em *em, em_vec a, em_vec b, int half);

/* Lanes of any value. */
em_vec em_poison(struct em *em);

#endif
