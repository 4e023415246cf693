#include "algo.h"

#include <stdio.h>

void plan_print(const struct plan *plan, char *text, size_t size)
{
    snprintf(text, size,
             "algorithm=%s isa=%s dtype=%s lanes=%lld tile=%lldx%lld winograd=%lldx%lld unroll=%lld sets=%lld "
             "shares_taps=%lld band=%lld block_oc=%lld block_rows=%lld block_cols=%lld images=%lld units=%lld "
             "scratch=%lld packed=%lld",
             algo_row((enum algo_id)plan->algo)->name, isa_info((cj_isa)plan->isa)->name,
             dtype_name((cj_dtype)plan->conv.dtype), (long long)plan->lanes, (long long)plan->tile_rows,
             (long long)plan->tile_vecs, (long long)plan->wino_rows, (long long)plan->wino_cols,
             (long long)plan->unroll, (long long)plan->sets, (long long)plan->shares_taps,
             (long long)plan->band, (long long)plan->block_oc, (long long)plan->block_rows,
             (long long)plan->block_cols, (long long)plan->images, (long long)plan->units,
             (long long)plan->scratch_bytes, (long long)plan->packed_bytes);
}
