// hop KIB: a program of one thread replaces small objects on one CPU after the other. However many CPUs it has been on, at most one MiB plus KIB KiB for
// each CPU are resident in addition to the memory that was resident after the first.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "../../limits/status.h"

enum { OBJECTS = 1000, STEPS = 3000, MOST_CPUS = 1024, FIXED = 1000 };

static cpu_set_t *set, *allowed;
static size_t set_bytes;

static int run_on(int cpu) {
    CPU_ZERO_S(set_bytes, set);
    CPU_SET_S(cpu, set_bytes, set);
    return sched_setaffinity(0, set_bytes, set);
}

int main(int argc, char **argv) {
    static char *objects[OBJECTS];
    size_t first = 0, cpus = 0;
    uint64_t random = 7;
    CHECK(argc == 2);
    CHECK((set = CPU_ALLOC(MOST_CPUS)) != NULL && (allowed = CPU_ALLOC(MOST_CPUS)) != NULL);
    set_bytes = CPU_ALLOC_SIZE(MOST_CPUS);
    CHECK(sched_getaffinity(0, set_bytes, allowed) == 0);
    for (int cpu = 0; cpu < MOST_CPUS; cpu++) {
        if (!CPU_ISSET_S(cpu, set_bytes, allowed)) continue;
        CHECK(run_on(cpu) == 0);
        for (int step = 0; step < STEPS; step++) {
            size_t place = next_random(&random) % OBJECTS, size = random_size(&random, 12);
            free(objects[place]);
            CHECK((objects[place] = malloc(size)) != NULL);
            memset(objects[place], 1, size);
        }
        if (cpus++ == 0) first = status("VmRSS:") / 1024;
    }
    long more = (long)(status("VmRSS:") / 1024) - (long)first;
    printf("%ld KiB more on %zu CPUs than on one\n", more, cpus);
    CHECK(fflush(stdout) == 0);
    CHECK(more <= FIXED + atol(argv[1]) * (long)cpus);
    return 0;
}
