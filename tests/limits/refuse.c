// refuse ERRNO CALL[,CALL…] COMMAND…: becomes COMMAND, to which the named system calls answer with EPERM, ENOSYS or EINVAL.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "filter.h"

struct named {
    const char *name;
    long number;
};

static const struct named calls[] = {
    {"mbind", SYS_mbind},         {"get_mempolicy", SYS_get_mempolicy}, {"set_mempolicy", SYS_set_mempolicy}, {"membarrier", SYS_membarrier},
    {"getcpu", SYS_getcpu},       {"sched_getaffinity", SYS_sched_getaffinity}, {"rseq", SYS_rseq},           {"madvise", SYS_madvise},
    {"mremap", SYS_mremap},       {"getrandom", SYS_getrandom},         {"gettid", SYS_gettid},               {"clock_gettime", SYS_clock_gettime},
    {"getdents64", SYS_getdents64}, {NULL, -1},
};
static const struct named errors[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {NULL, -1}};

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
    execv(argv[3], argv + 3);
    return 2;
}
