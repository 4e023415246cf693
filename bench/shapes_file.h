/* Lists of convolutions to measure. */
#ifndef CONVJIT_SHAPES_FILE_H
#define CONVJIT_SHAPES_FILE_H

#include "../runtime/cli/overrides.h"

/* What other libraries reached on one core, of the columns peer_nchw_us, peer_nhwc_us, peer_best_us (the
 * fastest in any layout) and peer_peak_gflops (the multiply-add peak of the machine that this was measured on).
 * 0: unknown. */
struct peer_times {
    double nchw_us, nhwc_us, best_us, peak_gflops;
};

struct layer_shape {
    char name[256]; /* of the table's column or of benchdnn's n"name"; else the SHAPE, cut */
    cj_conv_desc desc;
    int64_t batch;
    struct peer_times peers;
};

/* Grows at the end; `at` is owned. */
struct layer_list {
    struct layer_shape *at;
    int count, room;
};

/* A SHAPE, with the overrides put on it. `where` it stands is for complaints, as for shape_read. */
int layers_add(struct layer_list *list, const char *where, const char *shape,
               const struct overrides *overrides);

/* A file of SHAPEs, one a line (blank lines and those that begin with # do not count), or a tab-separated table
 * whose first line names its columns: name, kind (conv or deconv), mb g ic oc, and i k s p p_r d op with d, h
 * and w (id, kh, pw, pw_r, oph, ...), of which i and k must be there; those of struct peer_times, which may be
 * empty. Complains with the file and the line. */
int layers_read(struct layer_list *list, const char *path, const struct overrides *overrides);

/* Keep those in whose name the extended regular expression is found; none is an error. */
int layers_filter(struct layer_list *list, const char *expression);

/* All of a command: the SHAPEs among its words, the file `shapes` and the expression `filter` where these are
 * not NULL. The list may stay empty. */
int layers_collect(struct layer_list *list, const struct arguments *words, const char *shapes,
                   const char *filter, const struct overrides *overrides);

void layers_free(struct layer_list *list);

#endif
