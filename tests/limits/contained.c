// contained MIB BURST THREADS [BURSTS]: keeps MIB of objects of all sizes live, replaces them one by one, and now and then (24 times) needs BURST MiB of one
// size for a moment, each time of another size. For a memory group with little more room than that: an allocator that keeps too much of one burst
// is killed in the next. Prints peak resident memory and time.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include "churn.h"

enum { MOST_THREADS = 16, SLOTS = 1 << 20 };

struct slot {
    unsigned char *at;
    size_t size;
};

struct worker {
    struct slot live[SLOTS / 16];
    unsigned char *burst[SLOTS];
    size_t count, live_bytes, burst_count;
    uint64_t random;
};

static struct worker workers[MOST_THREADS];
static pthread_barrier_t barrier;
static size_t live_share, burst_share;
static int threads, bursts = 24;

static unsigned char *take(size_t size) {
    unsigned char *object = malloc(size);
    CHECK(object != NULL);
    memset(object, 1, size);
    return object;
}

// Replaces an object by one of random size: some 4 KiB on average, most of them small, a few up to 64 KiB.
static void renew(struct worker *me, struct slot *slot) {
    free(slot->at);
    me->live_bytes -= slot->size;
    slot->size = random_size(&me->random, 16);
    slot->at = take(slot->size);
    me->live_bytes += slot->size;
}

static void burst(struct worker *me, int number) {
    static const size_t sizes[] = {200000, 100, 4000, 1000000, 700, 30000, 300};
    size_t size = sizes[(size_t)number % (sizeof sizes / sizeof *sizes)];
    for (me->burst_count = 0; me->burst_count < burst_share / size && me->burst_count < SLOTS;) {
        me->burst[me->burst_count++] = take(size);
        if (me->burst_count % 16 == 0) renew(me, &me->live[next_random(&me->random) % me->count]);
    }
}

static void *run(void *argument) {
    size_t number = (size_t)argument;
    struct worker *me = &workers[number], *neighbour = &workers[(number + 1) % (size_t)threads];
    me->random = number + 1;
    while (me->live_bytes < live_share && me->count < SLOTS / 16) renew(me, &me->live[me->count++]);
    for (int i = 0; i < bursts; i++) {
        burst(me, i);
        pthread_barrier_wait(&barrier);
        for (size_t j = 0; j < neighbour->burst_count; j++) free(neighbour->burst[j]);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 4 || argc == 5);
    if (argc == 5) bursts = atoi(argv[4]);
    must_run_on_library();
    threads = atoi(argv[3]);
    CHECK(threads >= 1 && threads <= MOST_THREADS);
    live_share = (strtoul(argv[1], NULL, 10) << 20) / (size_t)threads;
    burst_share = (strtoul(argv[2], NULL, 10) << 20) / (size_t)threads;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pthread_t ids[MOST_THREADS];
    for (size_t i = 0; i < (size_t)threads; i++) CHECK(pthread_create(&ids[i], NULL, run, (void *)i) == 0);
    size_t live = 0;
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL), live += workers[i].live_bytes;
    clock_gettime(CLOCK_MONOTONIC, &to);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%zu MiB live at the end, %ld MiB resident at most, %.2f s\n", live >> 20, usage.ru_maxrss / 1024, seconds);
    return 0;
}
