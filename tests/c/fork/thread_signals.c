// Every thread is interrupted while it allocates, and its handler allocates; handlers free objects that other threads'
// handlers left. The system malloc does not support this.
#include <signal.h>
#include "fork.h"

enum { THREADS = 4, ROUNDS = 8000 };

static _Atomic(void *) mailbox[16];
static atomic_int handled;

static void on_signal(int signal) {
    (void)signal;
    int turn = atomic_fetch_add(&handled, 1);
    size_t size = 16 + (size_t)turn % 40 * 100;
    void *object = malloc(size);
    CHECK(object);
    fill(object, 16, 5);
    void *old = atomic_exchange(&mailbox[turn % 16], object);
    if (old) CHECK(intact(old, 16, 5));
    free(old);
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t threads[THREADS];
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    start_load(threads, THREADS);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(pthread_kill(threads[i % THREADS], SIGUSR1) == 0);
        if (i % 8 == 0) usleep(20);
    }
    end_load(threads, THREADS);
    CHECK(atomic_load(&handled) > 100);
    return 0;
}
