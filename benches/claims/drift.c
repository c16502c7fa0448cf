/* drift CHURN|SIZES [HOURS [REST_MS]]: a cache of 96 MiB that lives long: a million objects an hour come in, and others, picked at random,
 * must leave. With CHURN sizes stay what they are, 16 B to 16 KiB, most of them small; with SIZES they drift from the small to the large end
 * and back every 8 hours. An hour takes as long as that takes, and REST_MS milliseconds of rest, a hundredth at a time. Prints what is
 * resident beyond what was at the start, as a multiple of the live bytes, rounded up to pages: at the end, and at worst at the end of an
 * hour; and as a multiple of the pages on which an object lies in the end, for no allocator can give those back. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "memory.h"

enum { PER_HOUR = 1000000, CYCLE = 8, MOST_OBJECTS = 1 << 22 };
static const size_t LIVE = (size_t)96 << 20;

static uint64_t state = 88172645463325252u;
static double random_unit(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (state >> 11) * 0x1p-53;
}

/* Between 2^4 and 2^14 bytes; `at` says where in between, `spread` how far around. */
static size_t size_around(double at, double spread) {
    double power = 4 + 10 * (at * (1 - spread) + spread * random_unit());
    return (size_t)exp2(power);
}

static struct object {
    char *address;
    size_t size;
} *objects;

static int compare(const void *one, const void *other) {
    size_t a = *(const size_t *)one, b = *(const size_t *)other;
    return (a > b) - (a < b);
}

/* Bytes of the pages on which an object lies. */
static size_t held_bytes(size_t count) {
    size_t most = 0, found = 0, different = 0;
    for (size_t i = 0; i < count; i++) most += objects[i].size / 4096 + 2;
    size_t *pages = pages_of_our_own(most * sizeof *pages);
    for (size_t i = 0; i < count; i++) {
        size_t first = (size_t)objects[i].address / 4096, last = ((size_t)objects[i].address + objects[i].size - 1) / 4096;
        while (first <= last) pages[found++] = first++;
    }
    qsort(pages, found, sizeof *pages, compare);
    for (size_t i = 0; i < found; i++) different += i == 0 || pages[i] != pages[i - 1];
    give_back_pages(pages, most * sizeof *pages);
    return different * 4096;
}

int main(int argc, char **argv) {
    int drifts = argc > 1 && !strcmp(argv[1], "SIZES"), hours = argc > 2 ? atoi(argv[2]) : 24;
    int rest_ms = argc > 3 ? atoi(argv[3]) : 0;
    objects = pages_of_our_own(MOST_OBJECTS * sizeof *objects);
    memset(objects, 0, MOST_OBJECTS * sizeof *objects);
    long before = rss_kib();
    size_t live = 0, count = 0;
    double worst = 0, now = 0, start = now_ns();
    for (int hour = 0; hour < hours; hour++) {
        double phase = drifts ? 0.5 - 0.5 * cos(2 * M_PI * (hour + 0.5) / CYCLE) : 0;
        for (int i = 0; i < PER_HOUR; i++) {
            if (rest_ms && i % (PER_HOUR / 100) == 0) usleep(rest_ms * 10);
            size_t size = drifts ? size_around(phase, 0.2) : size_around(random_unit() * 0.6, 0.3);
            while (count == MOST_OBJECTS || live + size > LIVE) {
                size_t victim = (size_t)(random_unit() * count);
                live -= objects[victim].size;
                free(objects[victim].address);
                objects[victim] = objects[--count];
            }
            objects[count++] = (struct object){memset(malloc(size), 1, size), size};
            live += size;
        }
        size_t pages = (live + 4095) / 4096 * 4;
        now = (double)(rss_kib() - before) / pages;
        if (hour > 0 && now > worst) worst = now;
    }
    double took = now_ns() - start, resident = (rss_kib() - before) * 1024.0;
    printf("run_ms %.1f\nlive_mib %.1f\nend_ratio %.3f\nworst_ratio %.3f\n", took / 1e6, live / 1048576.0, now, worst);
    printf("held_ratio %.3f\n", resident / held_bytes(count));
    return 0;
}
