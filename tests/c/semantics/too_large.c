/* Impossible sizes: every function returns null and sets ENOMEM, and nothing else breaks. */
#include <malloc.h>

#include "check.h"

static void each_fails(size_t size) {
    FAILS(ENOMEM, malloc(size));
    FAILS(ENOMEM, calloc(1, size));
    FAILS(ENOMEM, calloc(size, 1));
    FAILS(ENOMEM, realloc(NULL, size));
    FAILS(ENOMEM, reallocarray(NULL, size, 1));
    FAILS(ENOMEM, valloc(size));
    FAILS(ENOMEM, pvalloc(size));
    for (size_t align = 1; align <= (size_t)1 << 30; align *= 8) {
        void *untouched = &untouched, *out = untouched;
        FAILS(ENOMEM, aligned_alloc(align, size));
        FAILS(ENOMEM, memalign(align, size));
        if (align < sizeof(void *)) continue;
        CHECK(posix_memalign(&out, align, size) == ENOMEM);
        CHECK(out == untouched);
    }
}

static void realloc_leaves_the_object(size_t object, size_t size) {
    void *p = malloc(object);
    fill(p, object, 5);
    FAILS(ENOMEM, realloc(p, size));
    FAILS(ENOMEM, reallocarray(p, size, 1));
    CHECK(filled(p, object, 5));
    free(p);
}

/* A size that malloc refuses because it is more than the machine has, realloc refuses to grow to. */
static void grows_no_further_than_malloc(size_t object) {
    for (size_t size = (size_t)1 << 34; size < (size_t)1 << 46; size *= 2) {
        char *p = malloc(object);
        fill(p, object, 5);
        void *fresh = malloc(size), *grown = realloc(p, size);
        CHECK(fresh || !grown);
        if (grown) p = grown;
        CHECK(filled(p, object, 5));
        free(p);
        free(fresh);
    }
}

/* Alignments for which no address space is large enough. */
static void alignments(void) {
    void *untouched = &untouched, *out = untouched;
    for (int log2 = 48; log2 < 64; log2++) {
        size_t align = (size_t)1 << log2;
        FAILS(ENOMEM, aligned_alloc(align, 1));
        FAILS(ENOMEM, memalign(align, 1));
        CHECK(posix_memalign(&out, align, 1) == ENOMEM);
    }
    CHECK(out == untouched);
}

int main(void) {
    static const size_t objects[] = {1, 100, 5000, 200000, 50000000};
    for (size_t less = 0; less < 70000; less = less * 2 + 1) {
        each_fails(SIZE_MAX - less);
        each_fails((size_t)PTRDIFF_MAX + 1 + less);
        each_fails((size_t)PTRDIFF_MAX - less);
        for (int i = 0; i < 5; i++) {
            realloc_leaves_the_object(objects[i], SIZE_MAX - less);
            realloc_leaves_the_object(objects[i], (size_t)PTRDIFF_MAX - less);
        }
    }
    for (int log2 = 47; log2 < 63; log2++) each_fails((size_t)1 << log2);
    alignments();
    for (int i = 0; i < 5; i++) grows_no_further_than_malloc(objects[i]);
    grows_no_further_than_malloc(300000);
    grows_no_further_than_malloc(2000000);
    return finish();
}
