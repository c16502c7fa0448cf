// Five thousand threads come and go. The objects that each leaves behind are checked and freed after its end, and memory does not add up.
#include "threads.h"

enum { THREADS = 5000, AT_ONCE = 50, OBJECTS = 30, MOST_GROWTH_KIB = 32 << 10 };

static void *left[AT_ONCE][OBJECTS];

static void *leave_objects(void *number) {
    int me = (uintptr_t)number;
    for (int i = 0; i < OBJECTS; i++) {
        free(malloc(5000));
        CHECK(left[me][i] = malloc(100 + i * 20));
        fill(left[me][i], 100 + i * 20, me);
    }
    return NULL;
}

static void take_over(void) {
    for (int me = 0; me < AT_ONCE; me++)
        for (int i = 0; i < OBJECTS; i++) {
            CHECK(intact(left[me][i], 100 + i * 20, me));
            free(left[me][i]);
        }
}

int main(void) {
    pthread_t threads[AT_ONCE];
    long before = 0;
    for (int done = 0; done < THREADS; done += AT_ONCE) {
        run_all(threads, AT_ONCE, leave_objects);
        take_over();
        if (done == AT_ONCE * 5) before = resident_kib();
    }
    CHECK(resident_kib() < before + MOST_GROWTH_KIB);
    return 0;
}
