// A process forks and continues in the child, 150 times over, with threads left behind each time: the memory that one fork
// costs the child must not add up.
#include <stdio.h>
#include "fork.h"

enum { GENERATIONS = 150, THREADS = 2 };

static long resident_kib(void) {
    long pages = 0;
    char text[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    CHECK(sscanf(text, "%*d %ld", &pages) == 1);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < GENERATIONS; i++) {
        start_load(threads, THREADS);
        pid_t child = fork();
        if (child > 0) {
            int status;
            end_load(threads, THREADS);
            CHECK(waitpid(child, &status, 0) == child);
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
        exercise(i, 100, 17);
    }
    CHECK(resident_kib() < 256 << 10);
    return 0;
}
