// large: a program with threads that frees only large objects gives their memory back, too. Its helper thread sleeps when it is done, although some
// memory stays warm because much is in use.
#include <time.h>
#include "idle/idle.h"

enum { LIVE = 512, FREED = 100, MIB = 1 << 20 };

static void *fill_and_free(void *unused) {
    static void *objects[FREED];
    for (int i = 0; i < FREED; i++) {
        CHECK(objects[i] = malloc(MIB));
        memset(objects[i], 1, MIB);
    }
    for (int i = 0; i < FREED; i++) free(objects[i]);
    return unused;
}

int main(void) {
    pthread_t thread;
    for (int i = 0; i < LIVE; i++) CHECK(malloc(MIB));
    long before = resident_kib();
    CHECK(!pthread_create(&thread, NULL, fill_and_free, NULL) && !pthread_join(thread, NULL));
    CHECK(gets_helper() && shrinks_to(before + 16 * 1024));
    usleep(1500 * 1000);
    CHECK(resident_kib() > before + 4 * 1024);
    clock_t worked = clock();
    usleep(500 * 1000);
    CHECK(clock() - worked < CLOCKS_PER_SEC / 10);
    return 0;
}
