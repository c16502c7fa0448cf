// policy bind|preferred|interleave N[,M…] COMMAND…: becomes COMMAND under that memory policy, as numactl would do.
#include <linux/mempolicy.h>
#include "pages.h"

static int look_up(const char *name) {
    static const char *const names[] = {[MPOL_PREFERRED] = "preferred", [MPOL_BIND] = "bind", [MPOL_INTERLEAVE] = "interleave"};
    for (int policy = MPOL_PREFERRED; policy <= MPOL_INTERLEAVE; policy++)
        if (strcmp(names[policy], name) == 0) return policy;
    CHECK(!"a policy of this name");
    return -1;
}

int main(int argc, char **argv) {
    CHECK(argc > 3);
    unsigned long nodes = 0;
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) nodes |= 1ul << atoi(name);
    CHECK(syscall(SYS_set_mempolicy, look_up(argv[1]), &nodes, 8 * sizeof nodes + 1) == 0);
    execvp(argv[3], argv + 3);
    return 2;
}
