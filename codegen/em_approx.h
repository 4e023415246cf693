/* Transcendental functions on vectors, without calls; errors are stated with each formula in em_approx.c. */
#ifndef CONVJIT_EM_APPROX_H
#define CONVJIT_EM_APPROX_H

#include "em.h"

/* Results for what is not a number are not numbers. */
em_vec em_exp(struct em *em, em_vec x);
em_vec em_sigmoid(struct em *em, em_vec x);
em_vec em_tanh(struct em *em, em_vec x);
em_vec em_erf(struct em *em, em_vec x);

#endif
