/* Where a channel lies in a tensor whose channels may be in blocks. */
#ifndef CONVJIT_CHANNELS_H
#define CONVJIT_CHANNELS_H

#include "em.h"

/* Elements from channel 0 to channel `channel`, which is not negative. */
em_int channel_offset(struct em *em, const struct strides *strides, em_int channel);

#endif
