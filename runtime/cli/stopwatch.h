/* Seconds between moments. */
#ifndef CONVJIT_STOPWATCH_H
#define CONVJIT_STOPWATCH_H

#include <time.h>

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
