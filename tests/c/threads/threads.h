// Shared by the thread tests: starts many threads, and reads the resident memory.
#ifndef THREADS_H
#define THREADS_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "pattern.h"

static inline void start_all(pthread_t *threads, int count, void *(*work)(void *)) {
    for (int i = 0; i < count; i++) CHECK(!pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i));
}

static inline void join_all(pthread_t *threads, int count) {
    for (int i = 0; i < count; i++) CHECK(!pthread_join(threads[i], NULL));
}

static inline void run_all(pthread_t *threads, int count, void *(*work)(void *)) {
    start_all(threads, count, work);
    join_all(threads, count);
}

static inline long resident_kib(void) {
    long pages = 0;
    char text[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    CHECK(sscanf(text, "%*d %ld", &pages) == 1);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
