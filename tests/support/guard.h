/* Buffers that fault where a kernel touches memory beside them. */
#ifndef CONVJIT_GUARD_H
#define CONVJIT_GUARD_H

#include <stddef.h>

enum guard_side {
    GUARD_BEHIND, /* the buffer ends at a page that nothing may touch */
    GUARD_FRONT,  /* the buffer starts behind such a page */
};

struct guarded {
    void *data;
    void *map;
    size_t map_size;
};

struct guarded guard_new(size_t bytes, size_t alignment, enum guard_side side);
void guard_free(struct guarded *buffer);

/* Where a fault happens, print this text (the SHAPE of the case) before dying. */
void guard_announce(const char *text);

#endif
