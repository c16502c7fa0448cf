/* malloc_usable_size: at least the requested size, writable by the holder, and the same for the object's whole life. */
#include <malloc.h>

#include "check.h"

static void one(void *p, size_t size) {
    CHECK(p);
    size_t usable = malloc_usable_size(p);
    CHECK(usable >= size);
    fill(p, usable, 7);
    void *near[8];
    for (int i = 0; i < 8; i++) {
        near[i] = malloc(size);
        memset(near[i], 0xee, malloc_usable_size(near[i]));
    }
    CHECK(filled(p, usable, 7));
    CHECK(malloc_usable_size(p) == usable);
    for (int i = 0; i < 8; i++) free(near[i]);
    CHECK(filled(p, usable, 7));
    /* The usable size is exact: realloc to all of it moves nothing. (glibc adds a page to a large object.) */
    uintptr_t before = (uintptr_t)p;
    p = realloc(p, usable);
    CHECK(filled(p, usable, 7));
    if (on_larder()) CHECK((uintptr_t)p == before && malloc_usable_size(p) == usable);
    free(p);
}

int main(void) {
    for (size_t size = 0; size < 3000; size++) one(malloc(size), size);
    for (size_t size = 3000; size < 4 << 20; size += size / 7) one(malloc(size), size);
    for (size_t size = 1; size < 1 << 20; size *= 2) one(calloc(1, size), size);
    for (size_t align = 32; align <= 1 << 16; align *= 2) {
        void *p = aligned_alloc(align, 100), *q = memalign(align, align * 3 + 5);
        CHECK(malloc_usable_size(p) >= 100 && malloc_usable_size(q) >= align * 3 + 5);
        fill(p, malloc_usable_size(p), 1);
        fill(q, malloc_usable_size(q), 2);
        CHECK(filled(p, malloc_usable_size(p), 1));
        free(p);
        free(q);
    }
    CHECK(malloc_usable_size(NULL) == 0);
    return finish();
}
