/* posix_memalign returns its error; on failure `out` does not change. */
#include "check.h"

static void refused(size_t align, size_t size, int code) {
    void *untouched = &untouched, *out = untouched;
    errno = EXDEV;
    CHECK(posix_memalign(&out, align, size) == code);
    CHECK(out == untouched);
    /* glibc 2.36 also sets errno when there is no memory. */
    if (code != ENOMEM || on_larder()) CHECK(errno == EXDEV);
}

int main(void) {
    static const size_t bad[] = {0, 1, 2, 3, 4, 7, 12, 24, 40, 48, 63, 65, 4095, 4097, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(bad[i], 0, EINVAL);
        refused(bad[i], 100, EINVAL);
        refused(bad[i], SIZE_MAX, EINVAL);
    }
    refused(8, SIZE_MAX, ENOMEM);
    refused(64, PTRDIFF_MAX, ENOMEM);
    refused(4096, (size_t)PTRDIFF_MAX + 1, ENOMEM);
    refused((size_t)1 << 62, 1, ENOMEM);
    refused((size_t)1 << 63, 1, ENOMEM);
    for (size_t align = 8; align <= (size_t)256 << 20; align *= 2) {
        void *p = NULL;
        int result;
        KEEPS_ERRNO(result = posix_memalign(&p, align, 100));
        CHECK(result == 0 && p && is_aligned(p, align));
        fill(p, 100, 1);
        free(p);
    }
    return finish();
}
