// shatter NODE CMD…: runs a command while half of the node's free memory is held, every second page of it. So the node has memory but, except for
// 24 MiB, no huge page, and cannot make one: the held pages are locked, and the kernel was told not to move locked pages.
#include <signal.h>
#include <sys/wait.h>
#include "policies.h"

enum { LEFT_WHOLE = 24 << 20 };

static void hold_half(int node) {
    set_policy("bind", 1ul << node);
    size_t size = (bytes_of_node(node, "MemFree") - LEFT_WHOLE) & -(size_t)(2 * PAGE);
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && madvise(pages, size, MADV_NOHUGEPAGE) == 0);
    memset(pages, 1, size);
    for (size_t at = 0; at < size; at += 2 * PAGE) CHECK(madvise(pages + at, PAGE, MADV_DONTNEED) == 0);
    CHECK(mlockall(MCL_CURRENT | MCL_ONFAULT) == 0);
    set_policy("default", 0);
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    hold_half(atoi(argv[1]));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
