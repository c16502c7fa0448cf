// Shared by the fork tests: a load of threads, a child's work, and its end.
#ifndef FORK_H
#define FORK_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "pattern.h"

static atomic_int stop_load;

// Allocates and frees `count` objects of all sizes up to 2^bits, keeps some for a while, and checks the contents.
static inline void exercise(uint64_t seed, int count, unsigned bits) {
    enum { SLOTS = 32 };
    void *slots[SLOTS] = {0};
    size_t sizes[SLOTS];
    uint64_t state = seed * 2 + 1;
    for (int i = 0; i < count; i++) {
        int at = next_random(&state) % SLOTS;
        if (slots[at]) CHECK(intact(slots[at], sizes[at], seed + at));
        free(slots[at]);
        sizes[at] = random_size(&state, bits);
        CHECK(slots[at] = malloc(sizes[at]));
        fill(slots[at], sizes[at], seed + at);
    }
    for (int at = 0; at < SLOTS; at++) free(slots[at]);
}

static inline void *load(void *seed) {
    for (uint64_t round = 0; !atomic_load(&stop_load); round++) exercise((uintptr_t)seed + round, 100, 17);
    return NULL;
}

static inline void start_load(pthread_t *threads, int count) {
    atomic_store(&stop_load, 0);
    for (int i = 0; i < count; i++) CHECK(!pthread_create(&threads[i], NULL, load, (void *)(uintptr_t)(i + 1)));
}

static inline void end_load(pthread_t *threads, int count) {
    atomic_store(&stop_load, 1);
    for (int i = 0; i < count; i++) CHECK(!pthread_join(threads[i], NULL));
}

// A child's work on the heap that it inherited: every class, some runs, a huge object.
static inline void use_heap(uint64_t seed) {
    for (size_t size = 1; size <= (size_t)64 << 20; size *= 2) {
        char *object = malloc(size + seed % 7);
        CHECK(object);
        object[0] = object[size - 1] = 1;
        free(object);
    }
    exercise(seed, 300, 17);
}

// Waits for a child, which must have ended with status 0.
static inline void join_child(pid_t child) {
    int status;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
