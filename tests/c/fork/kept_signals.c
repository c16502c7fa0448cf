// Signal handlers allocate memory and the program frees it, so that objects of the spare node go back to it outside of any handler. A thread that is
// interrupted there must not wait for a thread that is interrupted elsewhere and waits for it.
#include <signal.h>
#include "fork/fork.h"
enum { THREADS = 4, ROUNDS = 60000, BATCH = 3000, SIZE = 2048, TAKEN = 40, MOST = 4096 };

struct shelf {
    void *objects[MOST];
    volatile int count;
};
static _Thread_local struct shelf shelves[2];
static _Thread_local volatile int present;

static void on_signal(int signal) {
    struct shelf *shelf = &shelves[present];
    for (int i = 0; signal && i < TAKEN && shelf->count < MOST; i++) {
        void *object = malloc(SIZE);
        CHECK(object);
        shelf->objects[shelf->count] = object;
        shelf->count++;
    }
}

// From now on handlers use the other shelf.
static void clear(struct shelf *shelf) {
    present = !present;
    for (int i = 0; i < shelf->count; i++) free(shelf->objects[i]);
    shelf->count = 0;
}

static void *work(void *none) {
    static _Thread_local void *objects[BATCH];
    while (!atomic_load(&stop_load)) {
        for (int i = 0; i < BATCH; i++) CHECK(objects[i] = malloc(SIZE));
        for (int i = 0; i < BATCH; i++) free(objects[i]);
        clear(&shelves[present]);
    }
    return none;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t threads[THREADS];
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, work, NULL));
    for (int i = 0; i < ROUNDS; i++) {
        for (int j = 0; j < THREADS; j++) CHECK(!pthread_kill(threads[j], SIGUSR1));
        usleep(20);
    }
    end_load(threads, THREADS);
    return 0;
}
