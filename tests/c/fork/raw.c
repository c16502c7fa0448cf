// Children of _Fork and of a bare clone system call, for which no fork handler runs. The argument is the number of threads
// that work meanwhile; if there are any, the system malloc does not promise that the child may allocate.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include "fork.h"

enum { FORKS = 200, MOST_THREADS = 8 };

static pid_t bare_clone(void) {
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

int main(int argc, char **argv) {
    pthread_t threads[MOST_THREADS];
    int count = argc > 1 ? atoi(argv[1]) : 0;
    start_load(threads, count);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = i % 2 ? bare_clone() : _Fork();
        if (child == 0) {
            use_heap(i);
            _exit(0);
        }
        join_child(child);
    }
    end_load(threads, count);
    return 0;
}
