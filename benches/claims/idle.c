/* idle THREADS OBJECTS: each thread allocates OBJECTS small objects and waits; prints what the process then weighs.
 * Run with OBJECTS 0 it says what the threads themselves cost. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK = 64 * 1024 };

static pthread_barrier_t all_there, may_leave;
static int objects;

static void *wait_with_objects(void *seed) {
    void **kept = NULL;
    for (int i = 0; i < objects; i++) {
        size_t size = 16 + ((size_t)seed * 7 + i * 37) % 240;
        void **object = malloc(size);
        memset(object, 1, size);
        *object = kept;
        kept = object;
    }
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&may_leave);
    while (kept) {
        void **next = *kept;
        free(kept);
        kept = next;
    }
    return NULL;
}

static long rollup_kib(const char *field) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field))) kib = atol(line + strlen(field));
    if (file) fclose(file);
    return kib;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1000;
    objects = argc > 2 ? atoi(argv[2]) : 20;
    pthread_t *handles = calloc(threads, sizeof *handles);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_barrier_init(&all_there, NULL, threads + 1);
    pthread_barrier_init(&may_leave, NULL, threads + 1);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&handles[i], &attributes, wait_with_objects, (void *)i)) {
            fprintf(stderr, "idle: thread %ld of %d cannot be made: raise the limit (ulimit -u, pids.max)\n", i, threads);
            return 2;
        }
    pthread_barrier_wait(&all_there);
    printf("rss_kib %ld\npss_kib %ld\n", rollup_kib("Rss:"), rollup_kib("Pss:"));
    pthread_barrier_wait(&may_leave);
    for (int i = 0; i < threads; i++) pthread_join(handles[i], NULL);
    return 0;
}
