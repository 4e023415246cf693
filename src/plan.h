/* How one convolution is computed: plain data that decides every byte of the generated code.
 *
 * A plan is a pure function of (conv, target, wisdom), is canonical (all bytes set) and, with the target, is
 * the emitter's only input, so its bytes are the cache key. */
#ifndef CONVJIT_PLAN_H
#define CONVJIT_PLAN_H

#include "conv.h"
#include "target.h"

#include <stddef.h>
#include <stdint.h>

/* Enumerators ALGO_direct, ... in the order of algos.inc. */
enum algo_id {
#define ALGO(name) ALGO_##name,
#include "algos.inc"
#undef ALGO
    ALGOS
};

/* Packed weights are a nest of counted axes, outermost first, each walking one coordinate of the plain
 * weights in steps; an element whose coordinate lies outside the plain weights (the tail of a block) is 0.
 * The nest is repeated for each phase (with that phase's taps), one behind the other. */
enum pack_coordinate { PACK_GROUP, PACK_OC, PACK_IC, PACK_D, PACK_H, PACK_W, PACK_COORDINATES };

enum { PACK_MAX_AXES = 9 };

struct pack_axis {
    int64_t coordinate; /* enum pack_coordinate; PACK_OC and PACK_IC count within a group */
    int64_t count;      /* PACK_D, _H, _W: ignored, the phase's taps are taken */
    int64_t step;       /* PACK_D, _H, _W: ignored, the phase's k_step is taken */
};

struct pack {
    int64_t axes;
    struct pack_axis axis[PACK_MAX_AXES];
};

/* The fields that an algorithm does not use are 0. "Tile" is the register tile of the micro-kernel. */
struct plan {
    struct conv conv;
    int64_t isa;   /* enum cj_isa */
    int64_t algo;  /* enum algo_id */
    int64_t lanes; /* elements in a vector; a power of two, at most the target's */
    /* Rows of a tile are output pixels (direct, depthwise, grouped, dot), output rows (stencil), channels
     * (planar), images (connected) or Winograd tiles. Vectors across it are of output channels, of pixels
     * (planar, stencil), or one for each output channel (dot). */
    int64_t tile_rows, tile_vecs;
    int64_t unroll;               /* steps of the reduction in one turn of the innermost loop */
    int64_t sets;                 /* accumulators of each sum, where tiles of every size must have as many */
    int64_t shares_taps;          /* 1: a turn computes `unroll` taps of a row, which share pixels (dot) */
    int64_t wino_rows, wino_cols; /* outputs of a Winograd tile along H and W; 1: that axis is left as it is */
    int64_t band;                 /* 1: the input block is copied, padded and reordered, into scratch first */
    int64_t block_oc;             /* output channels of a group that one work unit covers */
    int64_t block_rows, block_cols; /* output rows (axis H) and columns (axis W) that one work unit covers */
    int64_t images;                 /* of which a unit is computed at once, at most (winograd); else 0 */
    int64_t units;                  /* work units in one image */
    int64_t scratch_bytes;          /* for one worker; a multiple of 64 */
    int64_t packed_bytes;           /* a multiple of 64 */
    struct pack pack;               /* the weights; CJ_SEPARABLE: the depthwise stage's */
    struct pack pack2;    /* CJ_SEPARABLE: the pointwise stage's, packed behind the first; else empty */
    int64_t pack2_offset; /* bytes from the start of the packed weights; a multiple of 64 */
};

/* Bytes that `pack` takes for a convolution, rounded up to 64. */
int64_t pack_bytes(const struct conv *conv, const struct pack *pack, int stage);

/* Elements that a nest has for each tap, which makes a phase's nest that times its taps. */
int64_t pack_elements_of_tap(const struct pack *pack);

/* Taps of an axis in the phases of that axis in front of phase `index`, which may be the one behind the last.
 */
int64_t pack_taps_before(const struct conv *conv, int axis, int64_t index);

/* Write the packed weights of a plan; see cj_pack_weights for the arguments. */
void pack_weights(const struct plan *plan, const void *weight, const void *pointwise, void *packed);

/* Every decision of a plan as one line, "algorithm=direct lanes=8 tile=6x2 ...". Cut at `size`. */
void plan_print(const struct plan *plan, char *text, size_t size);

#endif
