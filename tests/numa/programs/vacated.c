// vacated SOFT_MIB: a program of one thread fills and frees memory on the last node and goes on on the first. When its soft limit comes
// near, what the node that it left keeps free goes back, too.
#include "pages.h"
#include "idle/idle.h"

enum { SIZE = 300000, MOST = 1 << 12 };

static void *objects[MOST];

static void take(size_t bytes) {
    for (size_t i = 0; i < bytes / SIZE; i++) {
        CHECK(objects[i] = malloc(SIZE));
        memset(objects[i], 1, SIZE);
    }
}

int main(int argc, char **argv) {
    int cpus[MOST_CPUS], count = list_cpus(cpus);
    size_t soft = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
    CHECK(soft > 0 && soft / SIZE < MOST);
    memset(objects, 1, sizeof objects);
    long before = resident_kib();
    run_on(cpus[count - 1]);
    take(soft / 4);
    for (size_t i = 0; i < soft / 4 / SIZE; i++) free(objects[i]);
    long left = resident_kib() - before;
    run_on(cpus[0]);
    take(soft);
    long held = resident_kib() - before;
    printf("%ld KiB left on a node, then %ld KiB in all\n", left, held);
    return held > (long)(soft >> 10) * 21 / 20;
}
