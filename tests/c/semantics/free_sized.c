/* C23's sized frees, also of objects that realloc left in place, and cfree. */
#include <larder.h>
#include <malloc.h>

#include "check.h"

void cfree(void *);

enum { MANY = 300 };

static void plain(size_t size) {
    void *live[MANY];
    for (int i = 0; i < MANY; i++) {
        live[i] = i % 3 == 0 ? malloc(size) : i % 3 == 1 ? calloc(size, 1) : realloc(NULL, size);
        CHECK(live[i]);
        memset(live[i], 1, size);
    }
    for (int i = 0; i < MANY; i++) KEEPS_ERRNO(free_sized(live[i], size));
}

/* A resized object is freed with its last size, whether it moved or not. */
static void resized(size_t from, size_t to) {
    void *p = realloc(malloc(from), to);
    CHECK(p);
    memset(p, 1, to);
    free_sized(p, to);
}

static void aligned(size_t align, size_t size) {
    void *live[20];
    for (int i = 0; i < 20; i++) {
        live[i] = aligned_alloc(align, size);
        CHECK(live[i] && is_aligned(live[i], align));
        memset(live[i], 1, size);
    }
    for (int i = 0; i < 20; i++) KEEPS_ERRNO(free_aligned_sized(live[i], align, size));
}

int main(void) {
    for (size_t size = 0; size < 1200; size++) plain(size);
    for (size_t size = 1200; size < 200000; size += size / 4) plain(size);
    for (size_t size = 200000; size < 200000000; size *= 3) free_sized(malloc(size), size);
    for (size_t from = 1; from < 600; from += 7)
        for (size_t to = 1; to < 600; to += 5) resized(from, to);
    for (size_t from = 600; from < 20000000; from = from * 3 / 2)
        for (size_t to = 600; to < 20000000; to = to * 3 / 2) resized(from, to);
    for (size_t align = 1; align <= 1 << 21; align *= 2)
        for (size_t size = 0; size < 100000; size = size * 2 + 9) aligned(align, size);
    KEEPS_ERRNO(free_sized(NULL, 10));
    KEEPS_ERRNO(free_aligned_sized(NULL, 64, 10));
    KEEPS_ERRNO(cfree(malloc(100)));
    KEEPS_ERRNO(cfree(NULL));
    return finish();
}
