// nodes FROM TO: larder's own names on a machine of several nodes: objects asked of a node, of all in turn, and moved to another. Prints
// what share of the pages was moved.
#include "../../../ffi/include/larder.h"
#include "pages.h"
#pragma weak larder_malloc_onnode
#pragma weak larder_malloc_interleaved
#pragma weak larder_node_of
#pragma weak larder_migrate_pages
#pragma weak larder_numa_maps

enum { SIZES = 5, MIB = 1 << 20, MOST = 20000 };
static const size_t sizes[SIZES] = {100, 5000, 30000, 300000, 40 * MIB};

// The share of the objects' pages that lie on the node.
static double share(char **objects, size_t count, size_t size, int node) {
    size_t all = 0, there = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < size; at += PAGE, all++) there += node_of(objects[i] + at) == node;
    return 100.0 * (double)there / (double)all;
}

static size_t count_for(size_t size) { return size > MIB ? 2 : 16 * MIB / size < MOST ? 16 * MIB / size : MOST; }

static void take(char **objects, size_t size, int node) {
    for (size_t i = 0; i < count_for(size); i++) {
        objects[i] = node < 0 ? larder_malloc_interleaved(size) : larder_malloc_onnode(size, node);
        CHECK(objects[i] != NULL);
        fill(objects[i], size, i);
    }
}

static void give_back(char **objects, size_t size) {
    for (size_t i = 0; i < count_for(size); i++) {
        CHECK(intact(objects[i], size, i));
        free(objects[i]);
    }
}

int main(int argc, char **argv) {
    static char *objects[MOST], *kept[MOST];
    CHECK(argc == 3);
    int from = atoi(argv[1]), to = atoi(argv[2]);
    for (int which = 0; which < SIZES; which++) {
        size_t size = sizes[which];
        take(objects, size, to);
        CHECK(share(objects, count_for(size), size, to) >= 99);
        CHECK(larder_node_of(objects[0]) == to);
        give_back(objects, size);
    }
    for (int which = 2; which < SIZES; which++) {
        size_t size = sizes[which];
        take(objects, size, -1);
        double a = share(objects, count_for(size), size, from), b = share(objects, count_for(size), size, to);
        // The kernel deals huge pages out whole, and there may be no more than eight of them.
        CHECK(a >= 12 && b >= 12);
        give_back(objects, size);
    }
    take(objects, 5000, from);
    take(kept, 300000, from);
    struct larder_migration result;
    CHECK(larder_migrate_pages(from, to, &result) == 0);
    CHECK(result.present == result.moved + result.there_already + result.busy + result.no_memory + result.shared + result.refused);
    CHECK(share(objects, count_for(5000), 5000, to) >= 99 && share(kept, count_for(300000), 300000, to) >= 99);
    give_back(objects, 5000);
    give_back(kept, 300000);
    larder_numa_maps(stderr);
    printf("%.2f %% of %zu pages moved\n", 100.0 * (double)result.moved / (double)result.present, result.present);
    return 100 * result.moved < 99 * result.present;
}
