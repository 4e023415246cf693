/* What was measured of each layer, and the figures that compare it. */
#ifndef CONVJIT_ROWS_H
#define CONVJIT_ROWS_H

#include "call.h"

enum { OWN_LAYOUTS = 2, FORMS = 2, MOST_PEERS = 16, SAID_SIZE = 128 };

enum outcome {
    NOT_ASKED, /* there is no rewritten form */
    MEASURED,
    CANNOT, /* the library has no such convolution */
    DIED,   /* or did not answer in time */
    WRONG   /* the result is that of another convolution */
};

struct timing {
    enum outcome outcome;
    double us;
    char said[SAID_SIZE]; /* the implementation, or the reason */
};

/* By layout; in each as called and rewritten (translate.h). */
struct peer_row {
    struct timing at[CALL_LAYOUTS][FORMS];
};

struct row {
    char name[256], shape[512];
    double flops;
    double own_us[OWN_LAYOUTS]; /* NCHW, NHWC */
    char algorithm[OWN_LAYOUTS][32];
    struct peer_row peer[MOST_PEERS];
};

/* Which of a row's times count. */
struct selection {
    int first_peer, peers;
    int layout;     /* -1: any */
    bool rewritten; /* rewritten calls count too */
};

/* The best time of those, in microseconds; 0 if none was measured. */
double best_peer(const struct row *row, const struct selection *which, int *peer, int *layout);

/* convjit's best in a layout; -1: in any. */
double best_own(const struct row *row, int layout);

/* Geometric mean over the rows of the peers' best time over convjit's, both in the selection's layout. `count`
 * is how many rows have both. */
double mean_ratio(const struct row *rows, int rows_count, const struct selection *which, int *count);

#endif
