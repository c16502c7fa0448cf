// The child starts threads of its own; parent and children run concurrently for a while.
#include "fork.h"

enum { THREADS = 4, CHILDREN = 40 };

static void run_threads(void) {
    pthread_t threads[THREADS];
    start_load(threads, THREADS);
    usleep(2000);
    end_load(threads, THREADS);
}

int main(void) {
    pthread_t threads[THREADS];
    pid_t children[CHILDREN];
    start_load(threads, THREADS);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            run_threads();
            exit(0);
        }
        if (i % 2) join_child(children[i]);
    }
    for (int i = 0; i < CHILDREN; i += 2) join_child(children[i]);
    end_load(threads, THREADS);
    run_threads();
    return 0;
}
