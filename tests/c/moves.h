// Moves a thread from CPU to CPU.
#ifndef MOVES_H
#define MOVES_H
#include <sched.h>
#include "pattern.h"

// Moves to the next of the CPUs that the program could use when this was first called.
static inline void move_on(void) {
    static cpu_set_t allowed;
    static int cpu = -1;
    cpu_set_t next;
    CHECK(cpu >= 0 || sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    do cpu = (cpu + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(cpu, &allowed));
    CPU_ZERO(&next);
    CPU_SET(cpu, &next);
    CHECK(sched_setaffinity(0, sizeof next, &next) == 0);
}
#endif
