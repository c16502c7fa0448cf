// Every thread replaces objects of 1 byte to 64 KiB at random; contents must be those that their owner wrote.
// Now and then a whole set is handed over.
#include "threads.h"

enum { THREADS = 8, OBJECTS = 200, STEPS = 60000 };

struct set {
    void *objects[OBJECTS];
    size_t sizes[OBJECTS];
    uint64_t tags[OBJECTS];
};

static _Atomic(struct set *) exchange;

static void *zeroed(size_t size) {
    char *object = calloc(1, size);
    CHECK(object && object[0] == 0 && memcmp(object, object + 1, size - 1) == 0);
    return object;
}

static void *aligned(size_t align, size_t size) {
    void *object = aligned_alloc(align, size);
    CHECK((uintptr_t)object % align == 0);
    return object;
}

static void *resized(struct set *set, int at, size_t size, uint64_t kind) {
    if (kind % 4 == 0) return realloc(set->objects[at], size);
    free(set->objects[at]);
    if (kind % 4 == 1) return zeroed(size);
    return kind % 4 == 2 ? malloc(size) : aligned((size_t)16 << kind / 4 % 9, size);
}

static void replace(struct set *set, uint64_t *state) {
    uint64_t r = next_random(state);
    int at = r % OBJECTS;
    size_t size = random_size(state, 16);
    if (set->objects[at]) CHECK(intact(set->objects[at], set->sizes[at], set->tags[at]));
    CHECK(set->objects[at] = resized(set, at, size, r >> 32));
    CHECK((uintptr_t)set->objects[at] % 16 == 0);
    set->sizes[at] = size;
    set->tags[at] = r;
    fill(set->objects[at], size, r);
}

static void *churn(void *number) {
    struct set *set = calloc(1, sizeof *set);
    uint64_t state = (uintptr_t)number + 17;
    CHECK(set);
    for (int i = 0; i < STEPS; i++) {
        replace(set, &state);
        struct set *other = i % 1000 ? NULL : atomic_exchange(&exchange, set);
        if (other) set = other;
        else if (i % 1000 == 0) CHECK(set = calloc(1, sizeof *set));
    }
    for (int i = 0; i < OBJECTS; i++) {
        if (set->objects[i]) CHECK(intact(set->objects[i], set->sizes[i], set->tags[i]));
        free(set->objects[i]);
    }
    free(set);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    run_all(threads, THREADS, churn);
    return 0;
}
