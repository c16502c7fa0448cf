/* glibc's internal names lead to the same heap: an object from one name can be freed, resized and measured by the other. */
#include <malloc.h>

#include "check.h"

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);
void *__libc_memalign(size_t, size_t);
void *__libc_valloc(size_t);
void *__libc_pvalloc(size_t);
int __posix_memalign(void **, size_t, size_t);
int __libc_mallopt(int, int);
struct mallinfo __libc_mallinfo(void);

static void each(size_t size) {
    void *made[] = {__libc_malloc(size),       __libc_calloc(1, size),   __libc_realloc(NULL, size), __libc_memalign(256, size),
                    __libc_memalign(48, size), __libc_valloc(size),      __libc_pvalloc(size),       NULL,
                    malloc(size),              aligned_alloc(128, size)};
    unsigned count = sizeof made / sizeof *made;
    CHECK(__posix_memalign(&made[7], 64, size) == 0);
    CHECK(all_zero(made[1], size));
    CHECK(is_aligned(made[3], 256) && is_aligned(made[4], 64) && is_aligned(made[5], 4096) && is_aligned(made[6], 4096));
    for (unsigned i = 0; i < count; i++) {
        CHECK(made[i] && is_aligned(made[i], 16) && malloc_usable_size(made[i]) >= size);
        fill(made[i], size, i);
        made[i] = i % 2 ? realloc(made[i], size * 2) : __libc_realloc(made[i], size * 2);
        CHECK(made[i] && filled(made[i], size, i));
    }
    for (unsigned i = 0; i < count; i++) i % 2 ? free(made[i]) : __libc_free(made[i]);
}

static void failures(void) {
    void *untouched = &untouched, *out = untouched;
    FAILS(ENOMEM, __libc_malloc(SIZE_MAX));
    FAILS(ENOMEM, __libc_calloc(SIZE_MAX, 2));
    FAILS(ENOMEM, __libc_realloc(NULL, SIZE_MAX));
    FAILS(ENOMEM, __libc_memalign(64, SIZE_MAX));
    FAILS(EINVAL, __libc_memalign(SIZE_MAX, 1));
    FAILS(ENOMEM, __libc_valloc(SIZE_MAX));
    FAILS(ENOMEM, __libc_pvalloc(SIZE_MAX));
    CHECK(__posix_memalign(&out, 24, 1) == EINVAL);
    CHECK(out == untouched);
    KEEPS_ERRNO(__libc_free(NULL));
    KEEPS_ERRNO(CHECK(__libc_realloc(__libc_malloc(5), 0) == NULL));
}

/* The figures are those of larder's heap, not of glibc's unused one. */
static void figures(void) {
    void *held = __libc_malloc(10000000);
    CHECK(__libc_mallinfo().hblkhd + __libc_mallinfo().uordblks >= 10000000);
    __libc_free(held);
    CHECK(__libc_mallopt(M_MXFAST, 64) == 1 && __libc_mallopt(12345, 1) == mallopt(12345, 1));
}

int main(void) {
    for (size_t size = 1; size < 2000000; size = size * 5 / 2 + 3) each(size);
    failures();
    figures();
    return finish();
}
