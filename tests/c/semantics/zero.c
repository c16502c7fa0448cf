/* Size 0: objects are unique; realloc(p, 0) frees p; null is ignored. */
#include <malloc.h>

#include "check.h"

enum { MANY = 2000 };

static void *make(int how) {
    void *p = NULL;
    switch (how % 10) {
        case 0: return malloc(0);
        case 1: return calloc(0, 0);
        case 2: return calloc(0, 40);
        case 3: return calloc(40, 0);
        case 4: return realloc(NULL, 0);
        case 5: return aligned_alloc(64, 0);
        case 6: return posix_memalign(&p, 8, 0) == 0 ? p : NULL;
        case 7: return reallocarray(NULL, 0, 8);
        case 8: return memalign(32, 0);
        default: return how % 100 == 9 ? valloc(0) : pvalloc(0);
    }
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

static void unique(void) {
    static void *live[MANY];
    for (int i = 0; i < MANY; i++) {
        live[i] = make(i);
        CHECK(live[i] && is_aligned(live[i], 16));
    }
    qsort(live, MANY, sizeof *live, by_address);
    for (int i = 1; i < MANY; i++) CHECK(live[i] != live[i - 1]);
    for (int i = 0; i < MANY; i++) free(live[i]);
}

/* If realloc(p, 0) kept its objects, this would need 1 GiB. */
static void realloc_to_zero_frees(void) {
    size_t before = resident();
    for (int i = 0; i < 10000; i++) {
        void *p = malloc(100000);
        CHECK(p);
        memset(p, 1, 100000);
        KEEPS_ERRNO(p = realloc(p, 0));
        CHECK(p == NULL);
    }
    CHECK(resident() < before + (100 << 20));
    void *p = malloc(10);
    KEEPS_ERRNO(p = reallocarray(p, 0, 8));
    CHECK(p == NULL);
    p = malloc(10);
    KEEPS_ERRNO(p = reallocarray(p, 8, 0));
    CHECK(p == NULL);
}

int main(void) {
    unique();
    realloc_to_zero_frees();
    KEEPS_ERRNO(free(NULL));
    CHECK(malloc_usable_size(NULL) == 0);
    return finish();
}
