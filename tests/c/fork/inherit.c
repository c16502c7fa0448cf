// A child finds all objects of its parent intact and may free them; this does not affect the parent's objects.
#include "fork.h"

enum { OBJECTS = 10000, THREADS = 4, CHILDREN = 20 };

static void *objects[OBJECTS];
static size_t sizes[OBJECTS];

static void make(void) {
    uint64_t state = 3;
    for (int i = 0; i < OBJECTS; i++) {
        sizes[i] = random_size(&state, i % 100 ? 13 : 20);
        CHECK(objects[i] = malloc(sizes[i]));
        fill(objects[i], sizes[i], i);
    }
}

static void verify_all(void) {
    for (int i = 0; i < OBJECTS; i++) CHECK(intact(objects[i], sizes[i], i));
}

// Frees half of the objects, allocates over them, and checks that the other half is intact before it frees that too.
static void replace(void) {
    for (int i = 0; i < OBJECTS; i += 2) free(objects[i]);
    for (int i = 0; i < OBJECTS; i += 2) {
        CHECK(objects[i] = malloc(sizes[i]));
        memset(objects[i], 0xee, sizes[i]);
    }
    for (int i = 1; i < OBJECTS; i += 2) CHECK(intact(objects[i], sizes[i], i));
    for (int i = 0; i < OBJECTS; i++) free(objects[i]);
}

int main(void) {
    pthread_t threads[THREADS];
    make();
    start_load(threads, THREADS);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            verify_all();
            replace();
            use_heap(i);
            exit(0);
        }
        join_child(child);
    }
    end_load(threads, THREADS);
    verify_all();
    replace();
    return 0;
}
