// Threads allocate without pause while the main thread forks; every child uses the whole heap.
#include "fork.h"

enum { THREADS = 6, CHILDREN = 500 };

int main(void) {
    pthread_t threads[THREADS];
    start_load(threads, THREADS);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            use_heap(i);
            exit(0);
        }
        join_child(child);
    }
    end_load(threads, THREADS);
    return 0;
}
