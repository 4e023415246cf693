#include "product.h"

/* `count` steps from x and w. */
static void emit_steps(struct em *em, const struct product *p, const struct tile *tile, em_ptr x, em_ptr w,
                       int count)
{
    for (int k = 0; k < count; k++) {
        em_vec weights[TILE_MAX];
        for (int v = 0; v < tile->vecs; v++)
            weights[v] = em_load_aligned(em, em_at(em, w, k * p->block + v * p->plan->lanes));
        for (int r = 0; r < tile->rows; r++) {
            em_vec x_row = em_broadcast(em, em_at(em, x, r * p->row_step + k * p->k_step));
            for (int v = 0; v < tile->vecs; v++)
                tile_add(em, tile, k, r, v, x_row, weights[v]);
        }
    }
}

void product_run(struct em *em, const struct product *p, const struct tile *tile, em_ptr x, em_ptr w,
                 em_int count)
{
    int unroll = tile_unroll(p->plan, tile->rows, tile->vecs);
    em_int whole = em_sub(em, count, em_rem(em, count, em_i(em, unroll)));
    EM_STREAM(em, k, em_i(em, 0), whole, unroll)
    emit_steps(em, p, tile, em_walk(&k, x, unroll * p->k_step), em_walk(&k, w, unroll * p->block), unroll);
    int64_t known;
    if (em_known(count, &known)) {
        em_int done = em_i(em, known - known % unroll);
        emit_steps(em, p, tile, em_offset(em, x, em_mulc(em, done, p->k_step)),
                   em_offset(em, w, em_mulc(em, done, p->block)), (int)(known % unroll));
        return;
    }
    em_ptr x_rest = em_offset(em, x, em_mulc(em, whole, p->k_step));
    em_ptr w_rest = em_offset(em, w, em_mulc(em, whole, p->block));
    EM_STREAM(em, k, whole, count, 1)
    emit_steps(em, p, tile, em_walk(&k, x_rest, p->k_step), em_walk(&k, w_rest, p->block), 1);
}
