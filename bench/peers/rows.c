#include "rows.h"

#include <math.h>

static bool is_better(const struct timing *timing, double best)
{
    return timing->outcome == MEASURED && (best <= 0 || timing->us < best);
}

double best_peer(const struct row *row, const struct selection *which, int *peer, int *layout)
{
    double best = 0;
    for (int p = which->first_peer; p < which->first_peer + which->peers; p++)
        for (int l = 0; l < CALL_LAYOUTS; l++)
            for (int form = 0; form <= which->rewritten; form++)
                if ((which->layout < 0 || which->layout == l) && is_better(&row->peer[p].at[l][form], best)) {
                    best = row->peer[p].at[l][form].us;
                    *peer = p;
                    *layout = l;
                }
    return best;
}

double best_own(const struct row *row, int layout)
{
    if (layout >= 0)
        return row->own_us[layout];
    return row->own_us[CALL_NCHW] < row->own_us[CALL_NHWC] ? row->own_us[CALL_NCHW] : row->own_us[CALL_NHWC];
}

double mean_ratio(const struct row *rows, int rows_count, const struct selection *which, int *count)
{
    double sum = 0;
    *count = 0;
    for (int i = 0; i < rows_count; i++) {
        int peer, layout;
        double best = best_peer(&rows[i], which, &peer, &layout);
        if (best > 0) {
            sum += log(best / best_own(&rows[i], which->layout));
            ++*count;
        }
    }
    return *count ? exp(sum / *count) : 0;
}
