// narrowed GROUP FEW ALL: the program's cpuset (of a control group, version 2) is narrowed to a few nodes and widened again. After that objects lie on
// the requested node, and interleaved ones on all nodes, as before.
#include <larder.h>
#include "pages.h"

enum { OBJECTS = 100, PAGES = 9, SIZE = PAGES * PAGE };

static void put(const char *group, const char *file, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", group, file);
    FILE *stream = fopen(path, "w");
    CHECK(stream && fputs(text, stream) >= 0 && fclose(stream) == 0);
}

// Counts the nodes on which new pages lie. The pages stay allocated.
static void count(int node, int *at) {
    for (int i = 0; i < OBJECTS; i++) {
        char *object = node < 0 ? larder_malloc_interleaved(SIZE) : larder_malloc_onnode(SIZE, node);
        CHECK(object);
        memset(object, 1, SIZE);
        for (int page = 0; page < PAGES; page++) at[node_of(object + page * PAGE)]++;
    }
}

int main(int argc, char **argv) {
    int here[MOST_NODES] = {0}, spread[MOST_NODES] = {0};
    CHECK(argc == 4);
    const char *group = argv[1], *few = argv[2], *all = argv[3];
    if (strcmp(getenv("NARROWED") ?: "", "entered") != 0) {
        put(group, "cpuset.mems", all);
        put(group, "cgroup.procs", "0");
        setenv("NARROWED", "entered", 1);
        execv("/proc/self/exe", argv);
        return 2;
    }
    free(malloc(100));
    put(group, "cpuset.mems", few);
    put(group, "cpuset.mems", all);
    count(1, here);
    count(-1, spread);
    printf("%d of %d pages on node 1, interleaved ones %d to %d\n", here[1], OBJECTS * PAGES, spread[0], spread[1]);
    return here[1] < OBJECTS * PAGES * 9 / 10 || abs(spread[0] - spread[1]) > OBJECTS;
}
