// Memory that small objects left in the caches must serve a large object before malloc fails.
#include <pthread.h>
#include <unistd.h>
#include "churn.h"

enum { OBJECTS_FREED = 150000, LARGE = 20 << 20, LEAST = 6 };

static void *wait_for_ever(void *none) {
    pause();
    return none;
}

// With a thread, because then the caches may keep much: the helper thread takes care of it when the program is idle.
static void have_a_thread(void) {
    pthread_t thread;
    pthread_attr_t small;
    CHECK(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 1 << 16));
    CHECK(!pthread_create(&thread, &small, wait_for_ever, NULL));
}

int main(void) {
    static void *objects[OBJECTS_FREED];
    have_a_thread();
    for (int i = 0; i < OBJECTS_FREED; i++) CHECK(objects[i] = malloc(1000));
    for (int i = 0; i < OBJECTS_FREED; i++) free(objects[i]);
    int large = 0;
    while (malloc(LARGE)) large++;
    CHECK(large >= LEAST);
    return 0;
}
