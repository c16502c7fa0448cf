// Several threads fork at the same time, and the children of all of them run at the same time.
#include "fork.h"

enum { THREADS = 4, FORKERS = 4, ROUNDS = 15, AT_ONCE = 4 };

static void *fork_many(void *seed) {
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                use_heap((uintptr_t)seed + i);
                _exit(0);
            }
        }
        for (int i = 0; i < AT_ONCE; i++) join_child(children[i]);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS], forkers[FORKERS];
    start_load(threads, THREADS);
    for (int i = 0; i < FORKERS; i++) CHECK(!pthread_create(&forkers[i], NULL, fork_many, (void *)(uintptr_t)(i + 1)));
    for (int i = 0; i < FORKERS; i++) CHECK(!pthread_join(forkers[i], NULL));
    end_load(threads, THREADS);
    return 0;
}
