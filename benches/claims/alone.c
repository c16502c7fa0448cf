/* alone [ORDER [MIB]]: one thread allocates and fills objects of 16 B to 1 KiB until there are MIB MiB (800), and frees them: "first" as they came, "last" the
 * latest first, "random". Then it does nothing. Prints the time of it all, and what is resident a second later. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "memory.h"

enum { SMALLEST = 16, SPREAD = 1009 };

static uint64_t next(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void shuffle(void **objects, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t other = next() % i;
        void *object = objects[i - 1];
        objects[i - 1] = objects[other], objects[other] = object;
    }
}

int main(int argc, char **argv) {
    const char *order = argc > 1 ? argv[1] : "random";
    size_t bytes = (argc > 2 ? strtoul(argv[2], NULL, 10) : 800) << 20, count = 0;
    void **objects = pages_of_our_own(bytes / SMALLEST * sizeof *objects);
    double start = now_ns();
    for (size_t made = 0; made < bytes; count++) {
        size_t size = SMALLEST + next() % SPREAD;
        objects[count] = memset(malloc(size), 1, size);
        made += size;
    }
    if (!strcmp(order, "random")) shuffle(objects, count);
    for (size_t i = 0; i < count; i++) free(objects[!strcmp(order, "last") ? count - 1 - i : i]);
    double took = now_ns() - start;
    give_back_pages(objects, bytes / SMALLEST * sizeof *objects);
    usleep(1000000);
    printf("run_ms %.1f\nafter_1s_mib %.1f\n", took / 1e6, rss_kib() / 1024.0);
    return 0;
}
