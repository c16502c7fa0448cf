// idle_threads MIB: a thousand idle threads that hold 37 KiB each, in objects of 16 bytes to 1 KiB, need no more than MIB of memory: none is wasted
// in caches of sleeping threads or in nearly empty huge pages.
#include <pthread.h>
#include "churn.h"

enum { THREADS = 1000, SHARE = 37 * 1024, MOST = SHARE / 16 };

static pthread_barrier_t barrier;

static void *hold(void *argument) {
    uint64_t random = (uintptr_t)argument + 1;
    unsigned char *objects[MOST];
    int count = 0;
    for (size_t held = 0, size; held < SHARE && count < MOST; held += size) {
        size = 16 + next_random(&random) % 1008;
        CHECK((objects[count] = malloc(size)) != NULL);
        memset(objects[count++], 1, size);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    while (count > 0) free(objects[--count]);
    return NULL;
}

// Returns the value of a line of /proc/self/smaps_rollup in MiB.
static long rollup_mib(const char *name) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name), NULL, 10);
    fclose(file);
    return kib / 1024;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    must_run_on_library();
    pthread_t threads[THREADS];
    pthread_attr_t small;
    pthread_attr_init(&small);
    CHECK(pthread_attr_setstacksize(&small, 128 * 1024) == 0);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], &small, hold, (void *)i) == 0);
    pthread_barrier_wait(&barrier);
    long resident = rollup_mib("Rss:");
    printf("%ld MiB resident, %ld of them in huge pages\n", resident, rollup_mib("AnonHugePages:"));
    CHECK(resident <= strtol(argv[1], NULL, 10));
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
