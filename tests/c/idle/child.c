// A forked child has no helper thread, gets one when it frees enough itself, and shrinks; its parent keeps its own. This must also hold if the fork
// happens in the middle of the helper's work.
#include <sys/wait.h>
#include "idle/idle.h"

static int child(long before) {
    CHECK(!has_helper());
    swell_in_a_thread();
    CHECK(gets_helper());
    CHECK(shrinks_to(before + 24 * 1024));
    return 0;
}

int main(void) {
    long before = resident_kib();
    for (int turn = 0; turn < 8; turn++) {
        int status;
        swell_in_a_thread();
        usleep(turn * 100 * 1000);
        pid_t pid = fork();
        if (pid == 0) _exit(child(before));
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(gets_helper());
    }
    CHECK(shrinks_to(before + 16 * 1024));
    return 0;
}
