// Work that must succeed whatever is refused: every kind of call and every size, with contents checked.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include "../c/pattern.h"

// LIBRARY is the file that the runner preloads: a test that runs on anything else proves nothing.
static inline void must_run_on_library(void) {
#ifdef LIBRARY
    Dl_info found;
    CHECK(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &found) != 0);
    CHECK(strstr(found.dli_fname, LIBRARY) != NULL);
#endif
}

struct object {
    void *at;
    size_t size;
    uint64_t tag;
};

enum { OBJECTS = 512 };

struct heap {
    struct object objects[OBJECTS];
    size_t held, limit;
    uint64_t random;
};

static inline int all_zero(const unsigned char *at, size_t size) { return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0; }

static inline void drop(struct heap *heap, struct object *object) {
    if (object->at) CHECK(intact(object->at, object->size, object->tag));
    free(object->at);
    heap->held -= object->size;
    *object = (struct object){0};
}

static inline void *zeroed(size_t size) {
    void *at = calloc(1, size);
    if (at) CHECK(all_zero(at, size));
    return at;
}

static inline void *aligned(size_t align, size_t size) {
    void *at = NULL;
    return posix_memalign(&at, align, size) == 0 && (uintptr_t)at % align == 0 ? at : NULL;
}

static inline void *resized(struct object *object, size_t size) {
    size_t common = size < object->size ? size : object->size;
    void *at = realloc(object->at, size);
    if (at && object->at) CHECK(intact(at, common / 8 * 8, object->tag));
    return at;
}

static inline void replace(struct heap *heap, struct object *object, size_t size) {
    uint64_t random = next_random(&heap->random);
    if (random % 2) drop(heap, object);
    heap->held += size - object->size;
    switch (object->at ? 0 : random / 2 % 4) {
    case 0: object->at = resized(object, size); break;
    case 1: object->at = aligned((size_t)16 << random / 8 % 9, size); break;
    case 2: object->at = malloc(size); break;
    default: object->at = zeroed(size);
    }
    CHECK(object->at != NULL);
    object->size = size;
    object->tag = random;
    fill(object->at, size, random);
}

// Does `rounds` operations with at most `limit` bytes live.
static inline void churn(uint64_t seed, size_t limit, int rounds) {
    static _Thread_local struct heap heap;
    heap = (struct heap){.limit = limit, .random = seed * 0x9e3779b97f4a7c15u};
    while (rounds-- > 0) {
        struct object *object = &heap.objects[next_random(&heap.random) % OBJECTS];
        size_t size = random_size(&heap.random, 22);
        if (heap.held + size > heap.limit) drop(&heap, object);
        else replace(&heap, object, size);
    }
    for (int i = 0; i < OBJECTS; i++) drop(&heap, &heap.objects[i]);
    CHECK(heap.held == 0);
}
