/* Success never changes errno, and neither does free, whatever it frees. */
#include <malloc.h>
#include <pthread.h>

#include "check.h"

static const size_t sizes[] = {0, 1, 16, 100, 1024, 4096, 20000, 100000, 300000, 2000000, 40000000, 300000000};

static void each_size(void) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p, *q, *r = NULL;
        KEEPS_ERRNO(p = malloc(sizes[i]));
        KEEPS_ERRNO(p = realloc(p, sizes[i] + 1));
        KEEPS_ERRNO(p = realloc(p, sizes[i] * 2 + 100));
        KEEPS_ERRNO(p = realloc(p, sizes[i] / 2 + 1));
        KEEPS_ERRNO(p = reallocarray(p, 3, sizes[i] + 1));
        KEEPS_ERRNO(q = calloc(1, sizes[i]));
        KEEPS_ERRNO(CHECK(posix_memalign(&r, 64, sizes[i]) == 0));
        KEEPS_ERRNO((void)malloc_usable_size(p));
        CHECK(p && q && r);
        KEEPS_ERRNO(free(p));
        KEEPS_ERRNO(free(q));
        KEEPS_ERRNO(free(r));
        KEEPS_ERRNO(free(aligned_alloc(4096, sizes[i])));
        KEEPS_ERRNO(free(memalign(2 << 20, sizes[i])));
        KEEPS_ERRNO(free(valloc(sizes[i])));
        KEEPS_ERRNO(free(pvalloc(sizes[i])));
    }
}

/* Enough objects of each size that caches overflow and slow paths run in both directions. */
static void many(size_t size, size_t count) {
    static void *live[20000];
    for (size_t i = 0; i < count; i++) KEEPS_ERRNO(live[i] = malloc(size));
    for (size_t i = 0; i < count; i++) KEEPS_ERRNO(free(live[i]));
}

static void *first_calls_of_a_thread(void *unused) {
    void *p;
    KEEPS_ERRNO(p = malloc(72));
    KEEPS_ERRNO(free(p));
    return unused;
}

int main(void) {
    each_size();
    for (size_t size = 16; size < 40000; size *= 3) many(size, 300000 / size + 500);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, first_calls_of_a_thread, NULL) == 0);
        pthread_join(thread, NULL);
    }
    KEEPS_ERRNO(malloc_trim(0));
    return finish();
}
