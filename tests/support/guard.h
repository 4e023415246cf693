/* Buffers that fault where a kernel touches memory beside them, and tell what it wrote where nothing faults. */
#ifndef CONVJIT_GUARD_H
#define CONVJIT_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum guard_side {
    GUARD_BEHIND, /* the buffer ends at a page that nothing may touch */
    GUARD_FRONT,  /* the buffer starts behind such a page */
    GUARD_ODD,    /* the buffer starts one `alignment` behind the page: aligned as it asked, and no more */
    GUARD_SIDES
};

struct guarded {
    void *data;
    size_t bytes;
    void *map;
    size_t map_size;
};

/* All bytes, those beside the buffer too, are 0xff: what is not a number in every type. */
struct guarded guard_new(size_t bytes, size_t alignment, enum guard_side side);
void guard_free(struct guarded *buffer);

/* From now on writing faults as well. */
void guard_seal(const struct guarded *buffer);

/* Whether the bytes beside the buffer, as far as its pages reach, are as they were. */
bool guard_intact(const struct guarded *buffer);

/* Where a fault happens, print this text (the SHAPE of the case) before dying. */
void guard_announce(const char *text);

#endif
