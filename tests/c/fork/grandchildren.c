// Children of children, each generation with threads at work while it forks.
#include "fork.h"

enum { GENERATIONS = 4, CHILDREN = 3, THREADS = 2 };

static void generation(int depth) {
    pthread_t threads[THREADS];
    use_heap(depth);
    if (depth == 0) return;
    start_load(threads, THREADS);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            generation(depth - 1);
            _exit(0);
        }
        join_child(child);
    }
    end_load(threads, THREADS);
}

int main(void) {
    generation(GENERATIONS);
    return 0;
}
