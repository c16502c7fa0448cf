// A signal interrupts the main thread in malloc or free, and the handler forks. With the argument "malloc" the handler
// and its child also use the heap, which the system malloc does not support.
#include <signal.h>
#include <sys/prctl.h>
#include "fork.h"

enum { SENDERS = 3, FORKS = 250, OBJECTS = 200 };

static pid_t senders[SENDERS];
static volatile sig_atomic_t forks, uses_heap;

static void pause_senders(int signal) {
    for (int i = 0; i < SENDERS; i++) kill(senders[i], signal);
}

// The senders rest meanwhile, so that the main program makes progress.
static void fork_here(int signal) {
    (void)signal;
    pause_senders(SIGSTOP);
    if (uses_heap) free(malloc(1 + forks * 37));
    pid_t child = fork();
    if (child == 0) {
        if (uses_heap) exercise(forks, 50, 17);
        _exit(0);
    }
    join_child(child);
    forks++;
    pause_senders(SIGCONT);
}

static pid_t start_sender(pid_t target) {
    pid_t sender = fork();
    CHECK(sender >= 0);
    if (sender > 0) return sender;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (kill(target, SIGUSR1) == 0) usleep(50);
    _exit(0);
}

static void allocate_until_enough(void) {
    static void *objects[OBJECTS];
    uint64_t state = 99;
    while (forks < FORKS)
        for (int i = 0; i < OBJECTS; i++) {
            free(objects[i]);
            size_t size = random_size(&state, 16);
            CHECK(objects[i] = malloc(size));
            memset(objects[i], i, size);
        }
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = fork_here};
    uses_heap = argc > 1 && strcmp(argv[1], "malloc") == 0;
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < SENDERS; i++) senders[i] = start_sender(getpid());
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    allocate_until_enough();
    signal(SIGUSR1, SIG_IGN);
    pause_senders(SIGKILL);
    for (int i = 0; i < SENDERS; i++) waitpid(senders[i], NULL, 0);
    return 0;
}
