/* bursts [TURNS [MIB [PAUSE_MS [WATCH]]]]: again and again (8 times) two threads allocate and fill objects of 16 B to 1 KiB until there are MIB
 * MiB (500), free them, and rest for PAUSE_MS (200). Prints the time without the pauses and the page faults after the first turn.
 * With WATCH a line `seconds resident_mib` every 20 ms instead, to the end and two seconds beyond. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "memory.h"

enum { THREADS = 2, SMALLEST = 16, SPREAD = 1009, LOOK_MS = 20 };

static pthread_barrier_t turn;
static size_t bytes_each, most;
static int turns = 8, pause_ms = 200;
static atomic_bool over;

static void *work(void *argument) {
    uint64_t state = 88172645463325252u + (uintptr_t)argument;
    void **objects = pages_of_our_own(most * sizeof *objects);
    for (int i = 0; i < turns; i++) {
        size_t count = 0;
        pthread_barrier_wait(&turn);
        for (size_t bytes = 0; bytes < bytes_each; count++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            size_t size = SMALLEST + state % SPREAD;
            objects[count] = memset(malloc(size), 1, size);
            bytes += size;
        }
        while (count > 0) free(objects[--count]);
        pthread_barrier_wait(&turn);
    }
    return NULL;
}

static void *watch(void *unused) {
    double start = now_ns();
    while (!over) {
        printf("%.3f %.1f\n", (now_ns() - start) / 1e9, rss_kib() / 1024.0);
        usleep(LOOK_MS * 1000);
    }
    return unused;
}

int main(int argc, char **argv) {
    size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 500;
    if (argc > 1) turns = atoi(argv[1]);
    if (argc > 3) pause_ms = atoi(argv[3]);
    bytes_each = (mib << 20) / THREADS, most = bytes_each / SMALLEST;
    pthread_t threads[THREADS], watcher;
    int watched = argc > 4;
    pthread_barrier_init(&turn, NULL, THREADS + 1);
    if (watched && pthread_create(&watcher, NULL, watch, NULL)) return 2;
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i)) return 2;
    double busy = 0;
    long faults = 0;
    for (int i = 0; i < turns; i++) {
        double start = now_ns();
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        busy += now_ns() - start;
        if (i == 0) faults = page_faults();
        usleep(pause_ms * 1000);
    }
    faults = page_faults() - faults;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    if (!watched) printf("busy_ms %.1f\nfaults_per_turn %.0f\n", busy / 1e6, (double)faults / (turns > 1 ? turns - 1 : 1));
    if (watched) {
        usleep(2000000);
        atomic_store(&over, 1);
        pthread_join(watcher, NULL);
    }
    return 0;
}
