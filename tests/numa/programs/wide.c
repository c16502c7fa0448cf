// wide THREADS MIB: THREADS threads on many CPUs replace small objects; then all objects are freed, and nobody calls larder any more. The objects in the
// windows of all those CPUs go back: three seconds later (on a busy host within a minute) at most MIB MiB are resident in addition to the memory at
// the start.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "../../limits/status.h"

enum { OBJECTS = 1000, STEPS = 3000, MOST_THREADS = 1000, SECONDS = 3, LOOKS = 20 };

static pthread_barrier_t all;
static size_t live;

static void await_all(void) {
    int result = pthread_barrier_wait(&all);
    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void *work(void *number) {
    uint64_t random = (uintptr_t)number + 1;
    char *objects[OBJECTS] = {0};
    size_t sizes[OBJECTS] = {0}, mine = 0;
    await_all();
    for (int step = 0; step < STEPS; step++) {
        size_t place = next_random(&random) % OBJECTS;
        free(objects[place]);
        mine -= sizes[place];
        sizes[place] = random_size(&random, 12);
        CHECK((objects[place] = malloc(sizes[place])) != NULL);
        memset(objects[place], 1, sizes[place]);
        mine += sizes[place];
    }
    __atomic_fetch_add(&live, mine, __ATOMIC_RELAXED);
    await_all();
    for (int place = 0; place < OBJECTS; place++) free(objects[place]);
    await_all();
    for (;;) pause();
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    int threads = atoi(argv[1]);
    size_t most_kib = (size_t)atoi(argv[2]) << 10;
    CHECK(threads > 0 && threads <= MOST_THREADS);
    CHECK(pthread_barrier_init(&all, NULL, (unsigned)threads + 1) == 0);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, work, (void *)(uintptr_t)i) == 0);
    }
    size_t before = status("VmRSS:") / 1024;
    await_all();
    await_all();
    size_t most = status("VmRSS:") / 1024;
    await_all();
    // On a busy host the helper thread, which is one of very many threads on emulated CPUs, gets its turn late.
    long left = 0;
    for (int looks = 0; looks < LOOKS; looks++) {
        sleep(SECONDS);
        left = (long)(status("VmRSS:") / 1024) - (long)before;
        if (left <= (long)most_kib) break;
    }
    printf("%zu KiB live, %zu resident, %ld left\n", live >> 10, most - before, left);
    CHECK(fflush(stdout) == 0);
    CHECK(left <= (long)most_kib);
    return 0;
}
