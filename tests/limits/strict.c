// Sandboxes refuse, often fatally, system calls that they do not expect after the start. After a first allocation only calls that every
// sandbox knows are allowed (memory, futex, signal mask, the clock); any other is reported and ends the program. Absurd requests need no others.
#include <signal.h>
#include "churn.h"
#include "filter.h"

static void report(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    char text[80];
    int length = snprintf(text, sizeof text, "system call %d after the start\n", info->si_syscall);
    _exit(write(2, text, (size_t)length) == length ? 1 : 2);
}

// Filled memory moves when it grows, in one system call or in two.
static void grow_filled(void) {
    size_t size = 1 << 20;
    char *object = malloc(size);
    for (; size <= (size_t)256 << 20; size *= 2) {
        CHECK((object = realloc(object, size)) != NULL);
        memset(object, 1, size);
    }
    free(object);
}

int main(void) {
    static const int allowed[] = {
        SYS_mmap,  SYS_munmap, SYS_mremap,        SYS_mprotect,       SYS_madvise,
        SYS_futex, SYS_getcpu, SYS_clock_gettime, SYS_rt_sigprocmask, SYS_write,   SYS_exit_group,
    };
    must_run_on_library();
    free(malloc(100));
    CHECK(sigaction(SIGSYS, &(struct sigaction){.sa_sigaction = report, .sa_flags = SA_SIGINFO}, NULL) == 0);
    struct filter filter;
    begin(&filter);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) answer(&filter, allowed[i], SECCOMP_RET_ALLOW);
    if (install(&filter, SECCOMP_RET_TRAP) != 0) return 77;
    churn(1, (size_t)64 << 20, 20000);
    grow_filled();
    for (int bits = 40; bits < 63; bits++) {
        void *most = malloc((size_t)1 << bits);
        CHECK(most != NULL || errno == ENOMEM);
        free(most);
    }
    return 0;
}
