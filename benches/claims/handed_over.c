/* handed_over MAKERS [MIB [TAIL]]: MAKERS threads allocate objects of 16 B to 1 KiB until there are MIB MiB (800), as many other threads free them
 * in random order; all threads stay alive. Prints the time to the last free, and what is resident a second later. With TAIL each free is timed by its
 * thread's own clock, which stands still while the thread does not run, and the longest is printed. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "memory.h"

enum { MOST = 16, SMALLEST = 16, SPREAD = 1009 };

static pthread_barrier_t made, freed, may_leave;
static size_t bytes_each;
static int times_frees;
static struct part {
    void **objects;
    size_t count;
    double longest_ns;
    uint64_t seed;
} parts[MOST];

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state;
}

static void *make(void *argument) {
    struct part *part = argument;
    for (size_t bytes = 0; bytes < bytes_each; part->count++) {
        size_t size = SMALLEST + next(&part->seed) % SPREAD;
        part->objects[part->count] = memset(malloc(size), 1, size);
        bytes += size;
    }
    for (size_t i = part->count; i > 1; i--) {
        size_t other = next(&part->seed) % i;
        void *object = part->objects[i - 1];
        part->objects[i - 1] = part->objects[other], part->objects[other] = object;
    }
    pthread_barrier_wait(&made);
    pthread_barrier_wait(&freed);
    pthread_barrier_wait(&may_leave);
    return NULL;
}

static double thread_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void free_timed(struct part *part, void *object) {
    double before = thread_ns();
    free(object);
    double took = thread_ns() - before;
    if (took > part->longest_ns) part->longest_ns = took;
}

static void *take(void *argument) {
    struct part *part = argument;
    pthread_barrier_wait(&made);
    if (times_frees)
        for (size_t i = 0; i < part->count; i++) free_timed(part, part->objects[i]);
    else
        for (size_t i = 0; i < part->count; i++) free(part->objects[i]);
    pthread_barrier_wait(&freed);
    pthread_barrier_wait(&may_leave);
    return NULL;
}

int main(int argc, char **argv) {
    int makers = argc > 1 ? atoi(argv[1]) : 1;
    size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 800;
    times_frees = argc > 3;
    if (makers < 1 || makers > MOST) return 2;
    bytes_each = (mib << 20) / makers;
    pthread_t threads[2 * MOST];
    pthread_barrier_init(&made, NULL, 2 * makers);
    pthread_barrier_init(&freed, NULL, 2 * makers + 1);
    pthread_barrier_init(&may_leave, NULL, 2 * makers + 1);
    size_t most = bytes_each / SMALLEST * sizeof(void *);
    double start = now_ns();
    for (int i = 0; i < makers; i++) {
        parts[i].objects = pages_of_our_own(most);
        parts[i].seed = 88172645463325252u + i;
        if (pthread_create(&threads[2 * i], NULL, make, &parts[i])) return 2;
        if (pthread_create(&threads[2 * i + 1], NULL, take, &parts[i])) return 2;
    }
    pthread_barrier_wait(&freed);
    double took = now_ns() - start, longest = 0;
    for (int i = 0; i < makers; i++) {
        give_back_pages(parts[i].objects, most);
        if (parts[i].longest_ns > longest) longest = parts[i].longest_ns;
    }
    usleep(1000000);
    if (times_frees)
        printf("longest_free_us %.1f\n", longest / 1e3);
    else
        printf("run_ms %.1f\nafter_1s_mib %.1f\n", took / 1e6, rss_kib() / 1024.0);
    pthread_barrier_wait(&may_leave);
    for (int i = 0; i < 2 * makers; i++) pthread_join(threads[i], NULL);
    return 0;
}
