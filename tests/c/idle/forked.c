// forked [mapping]: a signal handler forks in the midst of the call that starts the helper thread: before it looks whether to start one, or (mapping) while
// it maps the helper's stack. The child goes on in that call, past the place where a child is repaired. If it had a helper before it is repaired, the
// repair would take the helper's locks for those of a thread that is gone, and forget the helper; then another would start on the same stack.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "../../limits/filter.h"
#include "idle/idle.h"

enum { WATCHED = 64, PAGE = 4096, RUNS = 40, RUN = 1 << 20, TURNS = 4, TIME_FOR_A_HANDLER_MS = 50 };

static volatile sig_atomic_t is_child;
static pid_t child;
static pthread_t starter;
static int listener, is_listening[2];

static void join_child(void) {
    int status;
    if (!child) return;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    child = 0;
}

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    // `free` has come to a watched object.
    if (signal == SIGSEGV) CHECK(mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE) == 0);
    if (is_child) return;
    join_child();
    child = _Fork();
    if (child == 0) {
        is_child = 1;
        alarm(30);
    }
}

// Has the thread that starts the helper interrupted in its first mapping.
static void *listen_to_mappings(void *unused) {
    struct seccomp_notif call;
    int has_interrupted = 0;
    char word;
    CHECK(read(is_listening[0], &word, 1) == 1);
    for (;;) {
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) continue;
        if ((pid_t)call.pid == getpid() && !has_interrupted) {
            has_interrupted = 1;
            CHECK(pthread_kill(starter, SIGUSR1) == 0);
            usleep(TIME_FOR_A_HANDLER_MS * 1000);
        }
        struct seccomp_notif_resp go_on = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        // A call that was interrupted comes again.
        (void)!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on);
    }
    return unused;
}

static void tell_of_mappings(void) {
    struct filter filter;
    begin(&filter);
    answer(&filter, SYS_mmap, SECCOMP_RET_USER_NOTIF);
    step(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog program = {filter.length, filter.code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    CHECK(listener >= 0 && write(is_listening[1], "", 1) == 1);
}

// Allocates nothing.
static int threads_now(void) {
    struct stat tasks;
    CHECK(stat("/proc/self/task", &tasks) == 0);
    return (int)tasks.st_nlink - 2;
}

static void free_many_runs(void) {
    void *runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        CHECK(runs[i] = malloc(RUN));
        memset(runs[i], 1, RUN);
    }
    for (int i = 0; i < RUNS; i++) free(runs[i]);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    int in_mapping = argc > 1 && !strcmp(argv[1], "mapping"), freed = 0;
    void *watched[WATCHED];
    pthread_t thread;
    for (int i = 0; i < WATCHED; i++) {
        CHECK(watched[i] = aligned_alloc(PAGE, PAGE));
        memset(watched[i], 1, PAGE);
    }
    CHECK(pipe(is_listening) == 0);
    CHECK(!pthread_create(&thread, NULL, listen_to_mappings, NULL));
    // As long as libc says so, nobody starts a helper.
    __libc_single_threaded = 1;
    swell(NULL);
    free_many_runs();
    CHECK(threads_now() == 2);
    starter = pthread_self();
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    if (in_mapping) tell_of_mappings();
    for (int i = 0; i < WATCHED && !in_mapping; i++) CHECK(mprotect(watched[i], PAGE, PROT_NONE) == 0);
    __libc_single_threaded = 0;
    // The first call that looks whether much lies idle starts one.
    while (freed < WATCHED && threads_now() == 2 - is_child) free(watched[freed++]);
    CHECK(freed > 1 && freed < WATCHED);
    for (int turn = 0; turn < TURNS; turn++) {
        free_many_runs();
        usleep(LOOK_MS * 1000);
        CHECK(threads_now() == 3 - is_child);
    }
    if (is_child) _exit(0);
    CHECK(child);
    join_child();
    return 0;
}
