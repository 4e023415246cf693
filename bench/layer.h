/* One convolution under measurement: its kernel, its tensors, its times. */
#ifndef CONVJIT_LAYER_H
#define CONVJIT_LAYER_H

#include "shapes_file.h"

struct layer {
    const struct layer_shape *shape;
    char text[512]; /* the SHAPE */
    cj_kernel *kernel;
    cj_kernel_stats stats;
    cj_tensors tensors;
    int64_t bytes;       /* that one call must read and write at least: input, output, weights */
    double pack_seconds; /* putting the weights in order */
    int calls;           /* in one sample, so that a sample is longer than the clock's grain */
    double *samples;     /* seconds of one call, each the mean of a sample */
    int count, room;
};

/* Make the kernel and fill the tensors with numbers from -1 to 1. On failure layer_close still has to be
 * called. */
int layer_open(struct layer *layer, const struct layer_shape *shape, cj_context *context, int threads);
void layer_close(struct layer *layer);

/* Take samples for `seconds`, at least one; weights are packed, tensors as warm as the calls before leave them.
 */
int layer_measure(struct layer *layer, const cj_parallel *parallel, double seconds);

/* Keep the calling thread on the core it is on: one that moves leaves its caches behind. */
void pin_thread(void);

/* The same for the threads of a pool: each on a core of its own, as far as there are enough. A scheduler may
 * well leave two threads that share work on one core for seconds when the others look busy. */
void pin_workers(const cj_parallel *parallel);

/* Of the samples so far. */
double layer_least(const struct layer *layer);
double layer_median(struct layer *layer); /* sorts them */

/* The name of the plan's algorithm. */
void layer_algorithm(const struct layer *layer, char name[32]);

#endif
