// Threads move from CPU to CPU while they allocate: a per-CPU operation that a move interrupts must have no effect.
#include <sched.h>
#include "threads.h"

enum { THREADS = 8, HOPS = 4000, BETWEEN = 40, OBJECTS = 64 };

static cpu_set_t allowed;

// Returns the next CPU after this one that the process may use.
static int next_cpu(int cpu) {
    do cpu = (cpu + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(cpu, &allowed));
    return cpu;
}

static void hop_to(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
}

static void *hop(void *number) {
    void *objects[OBJECTS] = {0};
    uint64_t state = (uintptr_t)number + 1, tag = (uintptr_t)number << 32;
    for (int i = 0, cpu = 0; i < HOPS; i++) {
        hop_to(cpu = next_cpu(cpu));
        for (int j = 0; j < BETWEEN; j++) {
            int at = next_random(&state) % OBJECTS;
            if (objects[at]) CHECK(intact(objects[at], 64, tag + at));
            free(objects[at]);
            CHECK(objects[at] = malloc(64));
            fill(objects[at], 64, tag + at);
        }
    }
    for (int at = 0; at < OBJECTS; at++) free(objects[at]);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    run_all(threads, THREADS, hop);
    return 0;
}
