// The main thread moves the other threads from CPU to CPU, at any instruction.
#include <sched.h>
#include "threads.h"

enum { THREADS = 4, MOVES = 20000 };

static atomic_int stop;

static void *churn(void *number) {
    uint64_t tag = (uintptr_t)number << 32;
    for (uint64_t round = 0; !atomic_load(&stop); round++) {
        void *pair[2] = {malloc(48), malloc(48)};
        CHECK(pair[0] && pair[1]);
        for (int i = 0; i < 2; i++) fill(pair[i], 48, tag + round + i);
        for (int i = 0; i < 2; i++) CHECK(intact(pair[i], 48, tag + round + i));
        for (int i = 0; i < 2; i++) free(pair[i]);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    cpu_set_t allowed, one;
    CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    start_all(threads, THREADS, churn);
    for (int move = 0, cpu = 0; move < MOVES; move++) {
        do cpu = (cpu + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(cpu, &allowed));
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        CHECK(!pthread_setaffinity_np(threads[move % THREADS], sizeof one, &one));
    }
    atomic_store(&stop, 1);
    join_all(threads, THREADS);
    return 0;
}
