// One thread frees an object, another frees it again; both go on allocating at the same time.
// expect-one: larder: double free: $ptr: an object of 64 bytes
// expect-one: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include <pthread.h>
#include "../take.h"

static pthread_barrier_t freed_once, freed_twice;
static void *p;

static void take(void) {
    for (int i = 0; i < 20; i++)
        if (take_many(64) != SURVIVED) _exit(HANDED_OUT_TWICE);
}

static void *free_first(void *unused) {
    free(p);
    pthread_barrier_wait(&freed_once);
    pthread_barrier_wait(&freed_twice);
    take();
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&freed_once, NULL, 2);
    pthread_barrier_init(&freed_twice, NULL, 2);
    name("ptr", p = malloc(64));
    if (pthread_create(&thread, NULL, free_first, NULL)) return 2;
    pthread_barrier_wait(&freed_once);
    free(p);
    pthread_barrier_wait(&freed_twice);
    take();
    pthread_join(thread, NULL);
    return SURVIVED;
}
