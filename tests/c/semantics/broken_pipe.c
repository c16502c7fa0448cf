/* Messages of larder to a pipe that nobody reads do not end the program and do not change its signals. */
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int is_pending(void) {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGPIPE);
}

static void hold_back(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(how, &set, NULL);
}

/* When the program itself writes to the pipe, the signal ends it as usual. */
static int ended_by_its_own(void) {
    int status;
    pid_t process = fork();
    if (process == 0) _exit(write(2, "x", 1) == 1);
    waitpid(process, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE;
}

/* Messages at load, messages while the program runs, and statistics at exit. */
static int talks(const char *self) {
    int status;
    pid_t process = fork();
    if (process == 0) {
        setenv("LARDER_CONF", "nonsense:1,foreign_free:ignore,stats:exit", 1);
        execl(self, self, "talk", (char *)NULL);
        _exit(127);
    }
    waitpid(process, &status, 0);
    return status;
}

int main(int argc, char **argv) {
    static char foreign[64];
    if (argc > 1) {
        void *volatile p = foreign;
        free(p);
        exit(0);
    }
    int ends[2], kept = dup(2);
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    dup2(ends[1], 2);
    signal(SIGPIPE, SIG_DFL);
    malloc_stats();
    int talked = talks(argv[0]), own = ended_by_its_own();
    hold_back(SIG_BLOCK);
    malloc_stats();
    int ours = is_pending();
    raise(SIGPIPE);
    malloc_stats();
    int its = is_pending();
    signal(SIGPIPE, SIG_IGN);
    dup2(kept, 2);
    CHECK(talked == 0);
    CHECK(own);
    CHECK(!ours && its);
    return finish();
}
