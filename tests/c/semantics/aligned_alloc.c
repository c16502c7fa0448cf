/* aligned_alloc needs a power of two as alignment, and takes any size. */
#include "check.h"

int main(void) {
    static const size_t bad[] = {0, 3, 5, 6, 24, 48, 100, 4095, SIZE_MAX, SIZE_MAX / 2};
    /* glibc before 2.38 rounds such an alignment up. */
    for (size_t i = 0; on_larder() && i < sizeof bad / sizeof *bad; i++) {
        FAILS(EINVAL, aligned_alloc(bad[i], 64));
        FAILS(EINVAL, aligned_alloc(bad[i], 0));
        FAILS(EINVAL, aligned_alloc(bad[i], SIZE_MAX));
    }
    for (size_t align = 1; align <= (size_t)16 << 20; align *= 2) {
        for (size_t size = 0; size < 3 * align + 100; size = size * 2 + 33) {
            void *p;
            KEEPS_ERRNO(p = aligned_alloc(align, size));
            CHECK(p && is_aligned(p, align) && is_aligned(p, 16));
            fill(p, size < 5000 ? size : 5000, 1);
            free(p);
        }
    }
    return finish();
}
