// Handlers that interrupt malloc call _Fork, for which no fork handler runs: the child continues in the middle of the interrupted call, past the place
// where a child is repaired, and meets locks of threads that it does not have.
#include <errno.h>
#include <signal.h>
#include <time.h>
#include "fork.h"

enum { THREADS = 4, CHILDREN = 600, CALLS = 20 };

static atomic_int children;
static volatile sig_atomic_t is_child;

static void on_signal(int signal) {
    int saved = errno;
    (void)signal;
    if (!is_child && atomic_fetch_add(&children, 1) < CHILDREN && _Fork() == 0) {
        is_child = 1;
        alarm(20);
    }
    errno = saved;
}

static void *work(void *seed) {
    for (uint64_t round = 0; !atomic_load(&stop_load); round++) {
        exercise((uintptr_t)seed + round, 100, round % 8 ? 12 : 17);
        if (is_child) {
            for (int call = 0; call < CALLS; call++) exercise(call, 100, 12);
            _exit(0);
        }
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec pause = {0, 1};
    pthread_t threads[THREADS];
    int status;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)));
    for (int turn = 0; atomic_load(&children) < CHILDREN; turn++) {
        pause.tv_nsec = 300000 + turn * 7919 % 700000;
        nanosleep(&pause, NULL);
        CHECK(pthread_kill(threads[turn % THREADS], SIGUSR1) == 0);
        while (waitpid(-1, &status, WNOHANG) > 0) CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop_load, 1);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(threads[i], NULL));
    while (waitpid(-1, &status, 0) > 0) CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}
