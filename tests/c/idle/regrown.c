// regrown: buffers of half a MiB that grow once by realloc, several at a time so that few can grow where they lie. They come to lie where others were
// freed, and not in mappings of their own, whose pages would be new each time.
#include "idle/idle.h"
#include <sys/resource.h>

enum { BUFFERS = 6, WARM_UP = 500, TURNS = 1000, MOST_FAULTS = 20, FROM = 300000, SPREAD = 300000 };

static char *buffers[BUFFERS];

static void renew(int turn) {
    size_t half = FROM + (unsigned)turn * 7919u % SPREAD;
    char **place = &buffers[turn * 31 % 97 % BUFFERS];
    free(*place);
    CHECK(*place = malloc(half));
    memset(*place, 1, half);
    CHECK(*place = realloc(*place, 2 * half));
    memset(*place + half, 1, half);
}

static long faults(void) {
    struct rusage usage;
    CHECK(!getrusage(RUSAGE_SELF, &usage));
    return usage.ru_minflt;
}

int main(void) {
    for (int turn = 0; turn < WARM_UP; turn++) renew(turn);
    long before = faults();
    for (int turn = 0; turn < TURNS; turn++) renew(turn);
    if (faults() - before <= (long)MOST_FAULTS * TURNS) return 0;
    fprintf(stderr, "%ld page faults for each buffer, more than %d\n", (faults() - before) / TURNS, MOST_FAULTS);
    return 1;
}
