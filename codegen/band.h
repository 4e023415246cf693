/* The padded copy of a unit's input in scratch. */
#ifndef CONVJIT_BAND_H
#define CONVJIT_BAND_H

#include "walk.h"

/* The input that the unit reads: the address of element (channel, 0, 0, 0), and the coordinate, which padding
 * may make negative or too large, of its first element along each axis. */
struct window_view {
    em_ptr origin;
    em_int first[AXES];
};

/* Copy the window, `channel` being the image's channel that it starts with; see struct source. A unit that
 * follows one of the same pixels in the call's range finds it there already. */
struct source band_source(struct em *em, const struct unit *unit, const struct window_view *window,
                          em_int channel);

/* The coordinate in [0, size) whose element stands at coordinate `at` of an axis padded in `mode`, as
 * CJ_PAD_* define them; `at` itself for zeros, which the caller must test. */
em_int pad_map(struct em *em, int64_t mode, em_int at, int64_t size);

#endif
