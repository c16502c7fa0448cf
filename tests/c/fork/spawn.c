// All the ways to start another program, under load.
#include <spawn.h>
#include <stdio.h>
#include "fork.h"

enum { THREADS = 4, ROUNDS = 40 };

extern char **environ;

static void by_vfork(void) {
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    join_child(child);
}

static void by_spawn(void) {
    char *words[] = {"true", NULL};
    pid_t child;
    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, words, environ) == 0);
    join_child(child);
}

static void by_popen(void) {
    char line[64] = "";
    FILE *pipe = popen("echo some words", "r");
    CHECK(pipe && fgets(line, sizeof line, pipe));
    CHECK(strcmp(line, "some words\n") == 0);
    CHECK(pclose(pipe) == 0);
}

int main(void) {
    pthread_t threads[THREADS];
    start_load(threads, THREADS);
    for (int i = 0; i < ROUNDS; i++) {
        by_vfork();
        by_spawn();
        by_popen();
        CHECK(system("exit 0") == 0);
    }
    end_load(threads, THREADS);
    return 0;
}
