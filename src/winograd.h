/* Winograd's minimal filtering F(m, r): m outputs of a filter of r taps from alpha = m + r - 1 multiplications,
 *
 *     y = A^T [ (G g) . (B^T d) ]        y: m outputs, g: r taps, d: alpha inputs, . element by element
 *
 * and nested along two axes F(m x n, r x s). The matrices are those of Toom and Cook: polynomials evaluated at
 * alpha - 1 points and at infinity (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015;
 * Blahut, Fast Algorithms for Signal Processing, 5.2). Rounding errors grow with alpha. */
#ifndef CONVJIT_WINOGRAD_H
#define CONVJIT_WINOGRAD_H

#include "plan.h"

/* The points are 0, pairs p and -p, and infinity, in this order, so alpha is even. B^T depends on alpha alone.
 */
enum { WINOGRAD_MOST = 8 };

struct winograd {
    int alpha, outs, taps;
    double point[WINOGRAD_MOST / 2 - 1];         /* p of each pair */
    double input[WINOGRAD_MOST][WINOGRAD_MOST];  /* B^T */
    double weight[WINOGRAD_MOST][WINOGRAD_MOST]; /* G */
    double output[WINOGRAD_MOST][WINOGRAD_MOST]; /* A^T */
};

/* F(outs, taps). outs + taps - 1 is 4, 6 or 8; or outs is 1 and the axis is left as it is: alpha is 1, all
 * matrices are 1. */
struct winograd winograd_matrices(int64_t outs, int64_t taps);

/* An axis of a convolution as Winograd's filters see it. A kernel of K taps and stride s is the sum of s
 * kernels of stride 1, `parts`: part q holds taps q, q + s, ..., and reads every s-th element from q on. Where
 * they are not as long, the last tap is zero. `step` is the distance of neighbours in the window of a part; a
 * dilated axis has one part and its tiles take every `out_step`-th output. */
struct winograd_axis {
    int64_t parts, taps, step, out_step;
};
struct winograd_axis winograd_axis(const struct conv *conv, int axis);

/* Planes of transformed input that are summed: (tap along D, part of H, part of W). Points of a tile along H or
 * W, which is alpha there, and in all. */
int64_t winograd_planes(const struct conv *conv);
int64_t winograd_axis_points(const struct plan *plan, int axis);
int64_t winograd_points(const struct plan *plan);

/* Where a plan's blocks lie in scratch, in elements. V is transformed input, element [point][tile][plane][ic],
 * M its products with the transformed weights, [point][tile][oc], Y outputs of a row of tiles before the
 * epilogue, [row][column][lane]. A point is a pair (h, w), h * alpha of W + w. */
struct winograd_scratch {
    int64_t unit_tiles;      /* of one image's unit, rows of them lying whole */
    int64_t tiles;           /* of all images together, rounded up to whole register tiles */
    int64_t plane;           /* elements from one plane to the next */
    int64_t v_tile, v_point; /* elements from one to the next */
    int64_t m_tile, m_point;
    int64_t y_row;
    int64_t v, m, y, elements; /* where each starts, behind the band, and the whole */
};
struct winograd_scratch winograd_scratch(const struct plan *plan);

/* Packed weights, [phase][group][point][oc block][plane][ic][oc in block]: elements from one to the next, and
 * in all. Phases with fewer taps than others have zeros behind them. */
struct winograd_weights {
    int64_t block, point, group, phase, elements;
};
struct winograd_weights winograd_weights(const struct plan *plan);

/* Fill them; see pack_weights. */
void winograd_pack(const struct plan *plan, const void *weight, void *packed);

#endif
