// drifting: a queue whose objects are of another size every few milliseconds, faster than the helper thread looks. Objects that were freed are not kept
// for sizes that the program has left while memory grows for the next.
#include "idle/idle.h"

enum { QUEUE = 48 << 20, PLACES = 1 << 20, ROUNDS = 3, MOST_KIB = 240 << 10 };

static const size_t sizes[] = {64, 96, 160, 256, 416, 704, 1184, 2016};

static long peak_kib(void) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    fclose(file);
    return kib;
}

static void *drift(void *unused) {
    static char *queue[PLACES];
    static size_t lengths[PLACES];
    size_t newest = 0, oldest = 0, bytes = 0;
    for (int round = 0; round < ROUNDS * 8; round++) {
        size_t size = sizes[round % 8];
        for (size_t made = 0; made < QUEUE; made += size) {
            char *object = malloc(size);
            CHECK(object);
            memset(object, 1, size);
            queue[newest] = object;
            lengths[newest] = size;
            newest = (newest + 1) % PLACES;
            bytes += size;
            while (bytes > QUEUE) {
                free(queue[oldest]);
                bytes -= lengths[oldest];
                oldest = (oldest + 1) % PLACES;
            }
        }
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    swell_in_a_thread();
    CHECK(gets_helper() && shrinks_to(16 << 10));
    FILE *file = fopen("/proc/self/clear_refs", "w");
    CHECK(file && fputs("5", file) >= 0 && !fclose(file));
    CHECK(!pthread_create(&thread, NULL, drift, NULL) && !pthread_join(thread, NULL));
    if (peak_kib() <= MOST_KIB) return 0;
    fprintf(stderr, "%ld KiB were resident, more than %d\n", peak_kib(), MOST_KIB);
    return 1;
}
