/* Nanoseconds on a clock that no one sets. */
#ifndef CLOCK_H
#define CLOCK_H
#include <time.h>

static inline double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

#endif
