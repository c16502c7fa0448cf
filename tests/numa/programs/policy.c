// policy bind|preferred|interleave N[,M…] COMMAND…: executes COMMAND under that memory policy, as numactl would do.
#include "policies.h"

int main(int argc, char **argv) {
    CHECK(argc > 3);
    unsigned long nodes = 0;
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) nodes |= 1ul << atoi(name);
    set_policy(argv[1], nodes);
    execvp(argv[3], argv + 3);
    return 2;
}
