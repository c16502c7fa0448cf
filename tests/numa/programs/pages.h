// Asks the kernel where pages lie.
#ifndef PAGES_H
#define PAGES_H
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "../../c/pattern.h"

enum { PAGE = 4096, MOST_NODES = 64, MOST_CPUS = 64 };

// Gets the node of each page; negative if the page is not there. A page that the kernel is just moving, to make room for a huge one, is
// nowhere: this waits for it, for at most a second.
static inline void nodes_of(size_t count, void **pages, int *nodes) {
    CHECK(syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) == 0);
    for (size_t i = 0; i < count; i++)
        for (int tries = 0; nodes[i] < 0 && tries < 1000; tries++) {
            usleep(1000);
            CHECK(syscall(SYS_move_pages, 0, 1ul, &pages[i], NULL, &nodes[i], 0) == 0);
        }
}

static inline int node_of(void *page) {
    int node;
    nodes_of(1, &page, &node);
    return node;
}

// Returns the value of a line of the kernel's information about a node's memory, such as "MemFree".
static inline size_t bytes_of_node(int node, const char *what) {
    char path[64], line[128], format[64];
    size_t kib = 0;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%d/meminfo", node);
    snprintf(format, sizeof format, "Node %%*d %s: %%zu", what);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) && sscanf(line, format, &kib) != 1) {}
    fclose(file);
    CHECK(kib > 0);
    return kib << 10;
}

// The node from which the kernel itself allocates memory for this thread.
static inline int own_node(void) {
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    *page = 1;
    int node = node_of(page);
    munmap(page, PAGE);
    CHECK(node >= 0);
    return node;
}

// The distance from this thread's node to each existing node, and 0 for the others.
static inline void distances(int *to) {
    char path[64];
    unsigned here;
    CHECK(getcpu(NULL, &here) == 0);
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/distance", here);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    for (int node = 0; node < MOST_NODES; node++) {
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d", node);
        to[node] = 0;
        if (access(path, F_OK) == 0) CHECK(fscanf(file, "%d", &to[node]) == 1);
    }
    fclose(file);
}

// The nodes that are home to this thread, as bits: its own node, or if that has no memory, all nodes that are as near as the one that the kernel uses.
static inline uint64_t home_nodes(void) {
    int to[MOST_NODES], own = own_node();
    uint64_t home = 0;
    distances(to);
    for (int node = 0; node < MOST_NODES; node++)
        if (to[node] == to[own]) home |= (uint64_t)1 << node;
    return home;
}

// The CPUs on which this program may run.
static inline int list_cpus(int *cpus) {
    cpu_set_t set;
    int count = 0;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    for (int cpu = 0; cpu < MOST_CPUS; cpu++)
        if (CPU_ISSET(cpu, &set)) cpus[count++] = cpu;
    return count;
}

static inline void run_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

#endif
