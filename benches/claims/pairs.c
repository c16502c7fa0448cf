/* pairs: nanoseconds per malloc and free of one object, alone and in batches of mixed sizes. */
#include "clock.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Each turn asks for other sizes than the one before: no program repeats a batch to the byte. */
enum { LONGEST = 1000, POOL = 8192, WARM_UP = 20 };

static uint64_t dice = 0x2545f4914f6cdd1dULL;
static size_t small[POOL], large[POOL];
static void *live[LONGEST];
static int order[LONGEST];

static size_t below(size_t limit) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (dice >> 11) % limit;
}

static void *touched(size_t size) {
    volatile char *object = malloc(size);
    object[0] = 1;
    return (void *)object;
}

static double pair(size_t size, int turns) {
    double start = now_ns();
    for (int i = 0; i < turns; i++) free(touched(size));
    return (now_ns() - start) / turns;
}

static double batch(const size_t *sizes, int count, int turns) {
    double start = now_ns();
    for (int turn = 0; turn < turns; turn++) {
        const size_t *asked = sizes + turn * 151 % (POOL - LONGEST);
        for (int i = 0; i < count; i++) live[i] = touched(asked[i]);
        for (int i = 0; i < count; i++) free(live[order[i]]);
    }
    return (now_ns() - start) / turns / count;
}

static void in_order(int count) {
    for (int i = 0; i < count; i++) order[i] = i;
}

static void in_reverse(int count) {
    for (int i = 0; i < count; i++) order[i] = count - 1 - i;
}

static void at_random(int count) {
    in_order(count);
    for (int i = count - 1; i > 0; i--) {
        int other = below(i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static void report(const char *name, const size_t *sizes, void (*arrange)(int), int count, int objects) {
    arrange(count);
    batch(sizes, count, WARM_UP);
    printf("%s_ns %.2f\n", name, batch(sizes, count, objects / count));
}

int main(void) {
    static const size_t limits[] = {64, 64, 128, 256, 1024};
    for (int i = 0; i < POOL; i++) small[i] = 1 + below(limits[below(5)]);
    for (int i = 0; i < POOL; i++) large[i] = (4 + below(249)) << 10;
    pair(64, 1000);
    printf("pair64_ns %.2f\n", pair(64, 5000000));
    pair(256 << 10, 1000);
    printf("pair256k_ns %.2f\n", pair(256 << 10, 500000));
    report("order150", small, in_order, 150, 2000000);
    report("reverse150", small, in_reverse, 150, 2000000);
    report("random150", small, at_random, 150, 2000000);
    report("random1000", small, at_random, 1000, 2000000);
    report("large32", large, at_random, 32, 100000);
    return 0;
}
