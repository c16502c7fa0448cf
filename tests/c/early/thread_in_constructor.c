// A constructor starts threads that allocate; main frees their objects.
#include <pthread.h>
#include <stdlib.h>
#include "pattern.h"

enum { THREADS = 8, OBJECTS = 500 };

static void *objects[THREADS][OBJECTS];

static void *make(void *number) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(objects[(uintptr_t)number][i] = malloc(1 + i * 7));
        fill(objects[(uintptr_t)number][i], 1 + i * 7, i);
    }
    return NULL;
}

__attribute__((constructor(101))) static void start(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, make, (void *)(uintptr_t)i));
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(threads[i], NULL));
}

int main(void) {
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < OBJECTS; i++) {
            CHECK(intact(objects[t][i], 1 + i * 7, i));
            free(objects[t][i]);
        }
    return 0;
}
