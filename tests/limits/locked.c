// locked before|after: all memory, present and future, is locked, before the first allocation or after some. Locked pages cannot be
// purged in the usual way and are not zero afterwards, but memory from calloc must still be. And locked memory is resident, so larder must not
// commit in large steps.
#include <malloc.h>
#include <sys/mman.h>
#include "churn.h"
#include "status.h"

enum { TOTAL_MIB = 48 };

static void lock_all(void) { CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0); }

static void lock_before(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "before") == 0) lock_all();
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **) = lock_before;

static long status_mib(const char *name) { return status(name) >> 20; }

static void dirty_and_free(size_t size) {
    size_t count = ((size_t)TOTAL_MIB << 20) / size;
    unsigned char **objects = malloc(count * sizeof *objects);
    for (size_t i = 0; i < count; i++) {
        CHECK((objects[i] = malloc(size)) != NULL);
        memset(objects[i], 0xff, size);
    }
    for (size_t i = 0; i < count; i++) free(objects[i]);
    free(objects);
}

static void must_come_zeroed(size_t size) {
    size_t count = ((size_t)TOTAL_MIB << 20) / size;
    unsigned char **objects = malloc(count * sizeof *objects);
    for (size_t i = 0; i < count; i++) {
        CHECK((objects[i] = calloc(1, size)) != NULL);
        CHECK(all_zero(objects[i], size));
    }
    for (size_t i = 0; i < count; i++) free(objects[i]);
    free(objects);
}

// Whether the memory at an address is locked, according to the kernel.
static int is_locked(const void *at) {
    char line[512];
    int here = 0, locked = -1;
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps);
    while (locked < 0 && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) here = start <= (uintptr_t)at && (uintptr_t)at < end;
        if (here && !strncmp(line, "VmFlags:", 8)) locked = strstr(line, " lo") != NULL;
    }
    fclose(maps);
    return locked;
}

// An object that grows may move, and all memory stays locked.
static void grow_locked(void) {
    char *small = malloc(100), *large = malloc((size_t)2 << 20), *next = malloc((size_t)2 << 20);
    CHECK(small && large && next && (large = realloc(large, (size_t)8 << 20)));
    CHECK(is_locked(small) == 1 && is_locked(large) == 1);
    free(next);
    free(large);
    free(small);
}

int main(int argc, char **argv) {
    static const size_t sizes[] = {40, 500, 5000, 70000, (size_t)1 << 20, (size_t)TOTAL_MIB << 20};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    CHECK(argc == 2);
    must_run_on_library();
    if (strcmp(argv[1], "after") == 0) {
        free(malloc(100));
        lock_all();
    }
    long before = status_mib("VmRSS:");
    free(malloc(16));
    CHECK(status_mib("VmRSS:") - before < 64);
    grow_locked();
    for (int i = 0; i < SIZES; i++) {
        dirty_and_free(sizes[i]);
        malloc_trim(0);
        must_come_zeroed(sizes[SIZES - 1 - i]);
    }
    CHECK(status_mib("VmHWM:") - before < 5 * TOTAL_MIB);
    churn(1, (size_t)16 << 20, 3000);
    return 0;
}
