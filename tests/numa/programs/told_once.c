// told_once: forbids itself get_mempolicy and move_pages while it is running, and goes on allocating in a thread. A call that was refused must
// not be made again: each may be tried once. Prints how often each was made.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>
#include "../../limits/filter.h"
#include "pages.h"

enum { LIVE = 512, TURNS = 200000 };
static atomic_int asked[2];

// Answers the system call instead of the kernel.
static void refuse(int signal, siginfo_t *info, void *context) {
    (void)signal;
    atomic_fetch_add(&asked[info->si_syscall == SYS_move_pages], 1);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -EPERM;
}

static void *work(void *unused) {
    static void *live[LIVE];
    uint64_t random = 7;
    for (int i = 0; i < TURNS; i++) {
        size_t place = next_random(&random) % LIVE;
        free(live[place]);
        CHECK((live[place] = malloc(random_size(&random, i % 64 ? 12 : 21))) != NULL);
    }
    return unused;
}

int main(void) {
    struct filter filter;
    struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    free(malloc(100));
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
    begin(&filter);
    answer(&filter, SYS_get_mempolicy, SECCOMP_RET_TRAP);
    answer(&filter, SYS_move_pages, SECCOMP_RET_TRAP);
    CHECK(install(&filter, SECCOMP_RET_ALLOW) == 0);
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
    printf("get_mempolicy %d, move_pages %d\n", asked[0], asked[1]);
    return !(asked[0] == 1 && asked[1] <= 1);
}
