// refuse ERRNO CALL[,CALL…] COMMAND…: executes COMMAND, in which the named system calls fail with EPERM, ENOSYS or EINVAL; or with OK, in which they
// succeed and do nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "filter.h"

struct named {
    const char *name;
    long number;
};

#define NAMED(call) {#call, SYS_##call}
static const struct named calls[] = {
    NAMED(mbind),  NAMED(get_mempolicy),     NAMED(set_mempolicy), NAMED(membarrier), NAMED(getcpu),
    NAMED(rseq),   NAMED(sched_getaffinity), NAMED(getrandom),     NAMED(gettid),     NAMED(getdents64),
    NAMED(mremap), NAMED(madvise),           NAMED(move_pages),    NAMED(migrate_pages),
    {"set_mempolicy_home_node", 450},        {NULL, -1},
};
static const struct named errors[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"OK", 0}, {NULL, -1}};

static long look_up(const struct named *table, const char *name) {
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0) return table->number;
    fprintf(stderr, "refuse: does not know %s\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    struct filter filter;
    unsigned verdict = SECCOMP_RET_ERRNO | (unsigned)look_up(errors, argv[1]);
    begin(&filter);
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) answer(&filter, look_up(calls, name), verdict);
    if (install(&filter, SECCOMP_RET_ALLOW) != 0) return 77;
    execvp(argv[3], argv + 3);
    return 2;
}
