// A thousand threads are alive at the same time, each with twenty objects; each frees objects of a neighbour.
#include "threads.h"

enum { THREADS = 1000, OBJECTS = 20, STACK = 64 << 10 };

static void *objects[THREADS][OBJECTS];
static pthread_barrier_t all_hold, all_moved;

static size_t size_of(int thread, int i) { return 1 + (thread * 7 + i * 131) % 1500; }

static void *hold(void *number) {
    int me = (uintptr_t)number, neighbour = (me + 1) % THREADS;
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(objects[me][i] = malloc(size_of(me, i)));
        fill(objects[me][i], size_of(me, i), me * OBJECTS + i);
    }
    pthread_barrier_wait(&all_hold);
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(intact(objects[neighbour][i], size_of(neighbour, i), neighbour * OBJECTS + i));
        free(objects[neighbour][i]);
    }
    pthread_barrier_wait(&all_moved);
    free(malloc(100));
    return NULL;
}

int main(void) {
    static pthread_t threads[THREADS];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_barrier_init(&all_hold, NULL, THREADS);
    pthread_barrier_init(&all_moved, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], &small, hold, (void *)(uintptr_t)i));
    join_all(threads, THREADS);
    return 0;
}
