/* Values of options that say something about a convolution. */
#ifndef CONVJIT_VALUES_H
#define CONVJIT_VALUES_H

#include "args.h"

/* "2" for every spatial dimension, or "2,1" with one for each; count 0: not given. */
struct sizes {
    int count;
    int64_t value[3];
};

/* "1", "1,2", "0:1,2:2" (front:back), or a name. */
struct padding {
    cj_auto_pad automatic;
    struct sizes front, back;
};

int read_whole(const struct option_row *row, const char *text, void *into);      /* struct sizes, 0 up */
int read_positive(const struct option_row *row, const char *text, void *into);   /* struct sizes, 1 up */
int read_count(const struct option_row *row, const char *text, void *into);      /* int64_t, 1 up */
int read_padding(const struct option_row *row, const char *text, void *into);    /* struct padding */
int read_activation(const struct option_row *row, const char *text, void *into); /* cj_post */

/* Spread over `rank` dimensions; leaves `result` alone if the option was not given. */
int sizes_spread(const struct sizes *sizes, const char *option, int rank, int64_t result[3]);

#endif
