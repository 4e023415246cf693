/* Labels beside dots, none over another. */
#ifndef CONVJIT_LABELS_H
#define CONVJIT_LABELS_H

#include "svg.h"

#include <stdbool.h>

struct label {
    const char *text;
    double x, y;    /* of the dot */
    bool placed;    /* there was room */
    struct box box; /* of the text then */
};

/* Boxes that no label may cover, and where all must lie in. */
struct room {
    const struct box *taken;
    int count;
    struct box inside;
};

/* Give each label the nearest free place around its dot, first come, first served. */
void labels_place(struct label *labels, int count, const struct room *room);

bool boxes_overlap(const struct box *a, const struct box *b);

#endif
