/* A convolution straight from its definition, in double precision: what every kernel is compared with. */
#ifndef CONVJIT_ORACLE_H
#define CONVJIT_ORACLE_H

#include <convjit/convjit.h>

/* Tensors of one case in double precision, dense in PyTorch's order ([n, c, spatial...]). */
struct oracle_case {
    const cj_conv_desc *desc;
    int64_t batch;
    const double *input, *weight, *pointwise, *bias, *residual, *scale, *shift;
    double *output;
    double *bound; /* for each output: the sum of the magnitudes of all that was added, for tolerances */
};

/* Spatial sizes of the output. */
void oracle_output_size(const cj_conv_desc *desc, int64_t output[3]);

void oracle_run(const struct oracle_case *c);

/* Only element `index` of the output and of the bounds. */
void oracle_at(const struct oracle_case *c, int64_t index);

#endif
