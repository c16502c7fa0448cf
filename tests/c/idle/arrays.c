// arrays [threads [MIB]]: a program that fills long arrays, one after the other, reuses some of the memory and does not keep much of it: a bounded rest
// if it has only one thread, otherwise nothing a while later. Then MIB more can be allocated.
#include <malloc.h>
#include "idle/idle.h"

enum { MOST_KIB = 32 << 10, TURNS = 6 };
static const size_t size = (size_t)50 << 20;

__attribute__((weak)) size_t larder_trim(size_t keep);

static void *fill_arrays(void *calls) {
    for (int turn = 0; turn < TURNS; turn++) {
        char *array = calls ? calloc(1, size) : malloc(size);
        CHECK(array);
        if (calls)
            for (size_t i = 0; i < size; i += 512) CHECK(array[i] == 0);
        memset(array, 1, size);
        free(array);
    }
    return calls;
}

int main(int argc, char **argv) {
    long before = resident_kib();
    if (argc > 1 && !strcmp(argv[1], "threads")) {
        // The second time the helper thread is asleep, and only the arrays can wake it.
        for (int turn = 0; turn < 2; turn++) {
            pthread_t thread;
            CHECK(!pthread_create(&thread, NULL, fill_arrays, NULL) && !pthread_join(thread, NULL));
            CHECK(gets_helper() && shrinks_to(before + 8 * 1024));
            sleep(1);
        }
        // Nor does the memory count against a limit any more.
        if (argc > 2) CHECK(malloc(strtoul(argv[2], NULL, 10) << 20));
        return 0;
    }
    for (int turn = 0; turn < 2; turn++) {
        fill_arrays(turn ? &before : NULL);
        long kept = resident_kib() - before;
        printf("%ld KiB are kept\n", kept);
        CHECK(!has_helper() && kept > MOST_KIB / 2 && kept < MOST_KIB + 2 * 1024);
        CHECK((long)mallinfo2().fordblks >= kept / 2 * 1024 && mallinfo2().hblkhd == 0);
        CHECK(larder_trim(0) >= (size_t)MOST_KIB / 2 * 1024);
        CHECK(shrinks_to(before + 2 * 1024));
    }
    return 0;
}
