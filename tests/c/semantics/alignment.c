/* Every object is aligned to 16 bytes or to the requested alignment, and no two overlap. */
#include <malloc.h>

#include "check.h"

enum { LIVE = 600 };

static void every_size(void) {
    static void *live[LIVE];
    for (size_t size = 0; size < 5000; size++) {
        unsigned slot = size % LIVE;
        if (live[slot]) CHECK(filled(live[slot], size - LIVE, slot));
        free(live[slot]);
        live[slot] = size % 3 == 0 ? malloc(size) : size % 3 == 1 ? calloc(1, size) : realloc(NULL, size);
        CHECK(live[slot] && is_aligned(live[slot], 16));
        fill(live[slot], size, slot);
    }
    for (unsigned slot = 0; slot < LIVE; slot++) free(live[slot]);
}

static void large_sizes(void) {
    for (size_t size = 5000; size < (size_t)300 << 20; size = size * 3 / 2) {
        char *p = malloc(size);
        CHECK(p && is_aligned(p, 16));
        p[0] = p[size / 2] = p[size - 1] = 1;
        p = realloc(p, size + size / 4);
        CHECK(p && is_aligned(p, 16) && p[size / 2] == 1);
        p[size + size / 4 - 1] = 1;
        free(p);
    }
}

static void every_alignment(void) {
    static const size_t sizes[] = {0, 1, 8, 24, 100, 1000, 4096, 5000, 70000, 3000000};
    for (size_t align = 1; align <= (size_t)64 << 20; align *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            void *p[3] = {aligned_alloc(align, sizes[i]), memalign(align, sizes[i]), NULL};
            if (align >= sizeof(void *)) CHECK(posix_memalign(&p[2], align, sizes[i]) == 0);
            for (unsigned j = 0; j < 3; j++) {
                if (j == 2 && align < sizeof(void *)) break;
                CHECK(p[j] && is_aligned(p[j], align) && is_aligned(p[j], 16));
                fill(p[j], sizes[i], j);
            }
            for (unsigned j = 0; j < 3; j++) CHECK(!p[j] || filled(p[j], sizes[i], j));
            for (unsigned j = 0; j < 3; j++) free(p[j]);
        }
    }
}

static void odd_memalign(void) {
    CHECK(is_aligned(memalign(0, 10), 16));
    CHECK(is_aligned(memalign(3, 10), 16));
    CHECK(is_aligned(memalign(48, 10), 64));
    CHECK(is_aligned(memalign(4097, 10), 8192));
    FAILS(EINVAL, memalign(SIZE_MAX / 2 + 2, 1));
    FAILS(EINVAL, memalign(SIZE_MAX, 1));
}

static void pages(void) {
    for (size_t size = 0; size < 20000; size += 1000) {
        void *p = valloc(size), *q = pvalloc(size);
        CHECK(p && is_aligned(p, 4096));
        CHECK(q && is_aligned(q, 4096));
        size_t whole = (size + 4095) / 4096 * 4096;
        CHECK(malloc_usable_size(q) >= whole);
        fill(q, whole, 1);
        free(p);
        free(q);
    }
}

int main(void) {
    every_size();
    large_sizes();
    every_alignment();
    odd_memalign();
    pages();
    return finish();
}
