/* jemalloc's extended interface, with the encoding of its flags. */
#include <larder.h>
#include <malloc.h>

#include "check.h"

/* The encoding of the flags is jemalloc's binary interface. */
static void encoding(void) {
    CHECK(MALLOCX_ALIGN(64) == 6 && MALLOCX_LG_ALIGN(6) == 6 && MALLOCX_ALIGN((size_t)1 << 40) == 40);
    CHECK(MALLOCX_ZERO == 0x40);
    CHECK(MALLOCX_TCACHE_NONE == 0x100 && MALLOCX_TCACHE(1) == 0x300);
    CHECK(MALLOCX_ARENA(0) == 0x100000);
    CHECK(MALLOCX_NODE(0) == 0x100080 && MALLOCX_NODE(1) == 0x200080);
    int beyond[] = {-1, 4094, 4095, 4096, 4097, 1 << 30};
    for (int i = 0; i < 6; i++) CHECK(mallocx(10, MALLOCX_NODE(beyond[i])) == NULL && nallocx(10, MALLOCX_NODE(beyond[i])) == 0);
}

static void allocation(void) {
    for (size_t size = 1; size < 5000000; size = size * 3 / 2 + 1) {
        for (int log2 = 0; log2 < 22; log2 += 3) {
            int flags = MALLOCX_LG_ALIGN(log2);
            char *p = mallocx(size, flags), *z = mallocx(size, flags | MALLOCX_ZERO | MALLOCX_TCACHE_NONE | MALLOCX_ARENA(3));
            CHECK(p && z && is_aligned(p, (size_t)1 << log2) && is_aligned(z, (size_t)1 << log2) && is_aligned(p, 16));
            CHECK(sallocx(p, flags) >= size && sallocx(p, 0) == malloc_usable_size(p));
            CHECK(nallocx(size, flags) == sallocx(p, flags));
            CHECK(all_zero(z, sallocx(z, 0)));
            fill(p, size, 1);
            fill(z, size, 2);
            CHECK(filled(p, size, 1));
            sdallocx(p, size, flags);
            sdallocx(z, sallocx(z, 0), flags);
        }
    }
}

/* Huge objects are made of pages of the size that LARDER_CONF=hugetlb names, if they are at least that long; large ones are not, although they may
 * be as long, and although memory was used before that must be cleared. */
static void good_size_of_large_objects(void) {
    static const size_t sizes[] = {1 << 20, (3 << 20) + 1, (31 << 20) + 5, 32 << 20, (32 << 20) + 1, 41947136, (64 << 20) - 1};
    static const int flags[] = {0, MALLOCX_LG_ALIGN(12), MALLOCX_LG_ALIGN(21), MALLOCX_LG_ALIGN(26)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
            for (int zero = 0; zero <= MALLOCX_ZERO; zero += MALLOCX_ZERO) {
                char *p = mallocx(sizes[i], flags[j] | zero);
                CHECK(p && sallocx(p, 0) == nallocx(sizes[i], flags[j] | zero));
                memset(p, 0xff, sizes[i] < 4 << 20 ? sizes[i] : 4 << 20);
                dallocx(p, 0);
            }
        }
    }
}

static void resizing(void) {
    for (size_t size = 10; size < 3000000; size = size * 2 + 7) {
        char *p = mallocx(size, 0);
        fill(p, size, 3);
        p = rallocx(p, size * 3, MALLOCX_ALIGN(256));
        CHECK(p && is_aligned(p, 256) && filled(p, size, 3));
        p = rallocx(p, size / 2 + 1, MALLOCX_TCACHE_NONE);
        CHECK(p && filled(p, size / 2 + 1, 3));
        dallocx(p, 0);
    }
}

/* With MALLOCX_ZERO, bytes beyond the previous usable size are zero after growth, and bytes that were zero from the start stay zero. */
static void zeroing(void) {
    for (size_t size = 5; size < 2000000; size = size * 2 + 3) {
        char *dirty = mallocx(size * 3, 0);
        memset(dirty, 0xff, sallocx(dirty, 0));
        dallocx(dirty, 0);
        char *p = mallocx(size, MALLOCX_ZERO);
        p = rallocx(p, size + 3, MALLOCX_ZERO);
        CHECK(p && all_zero(p, sallocx(p, 0)));
        size_t before = sallocx(p, 0);
        memset(p, 1, before);
        p = rallocx(p, before * 2 + 50, MALLOCX_ZERO);
        CHECK(p && p[before - 1] == 1 && all_zero(p + before, sallocx(p, 0) - before));
        dallocx(p, MALLOCX_ARENA(1));
    }
}

/* An object that shrinks and then grows again has no bytes of another object, wherever it lies by then; nor has one that gets a larger alignment. */
static void zeroing_what_shrinks(void) {
    enum { MANY = 64 };
    for (size_t size = 1000; size < 5000000; size = size * 3 + 1) {
        for (size_t part = 20; part > 1; part /= 2) {
            char *dirty[MANY], *small[MANY];
            size_t less = size / part + 1, usable = nallocx(less, 0);
            for (int i = 0; i < MANY; i++) dirty[i] = mallocx(usable, 0);
            for (int i = 0; i < MANY; i++) memset(dirty[i], 0xff, usable);
            for (int i = 0; i < MANY; i++) dallocx(dirty[i], 0);
            for (int i = 0; i < MANY; i++) {
                small[i] = rallocx(mallocx(size, MALLOCX_ZERO), less, MALLOCX_ZERO);
                small[i] = rallocx(small[i], usable, MALLOCX_ZERO);
                CHECK(all_zero(small[i], sallocx(small[i], 0)));
                small[i] = rallocx(small[i], less, MALLOCX_ZERO | MALLOCX_ALIGN(4096));
                small[i] = rallocx(small[i], sallocx(small[i], 0) - 1, MALLOCX_ZERO);
                CHECK(all_zero(small[i], sallocx(small[i], 0)));
            }
            for (int i = 0; i < MANY; i++) dallocx(small[i], 0);
        }
    }
}

static void in_place(void) {
    for (size_t size = 10; size < 100000000; size = size * 2 + 7) {
        char *p = mallocx(size, 0);
        p[0] = p[size - 1] = 1;
        size_t usable = sallocx(p, 0);
        CHECK(xallocx(p, usable, 0, 0) == usable);
        size_t larger = xallocx(p, usable + 1, SIZE_MAX, MALLOCX_ZERO);
        CHECK(larger >= usable && larger == sallocx(p, 0));
        CHECK(all_zero(p + usable, larger - usable));
        CHECK(p[0] == 1 && p[size - 1] == 1);
        size_t less = xallocx(p, size, 0, 0);
        CHECK(less >= size && less <= larger && less == sallocx(p, 0));
        CHECK(p[0] == 1 && p[size - 1] == 1);
        CHECK(xallocx(p, (size_t)1 << 60, 0, 0) < (size_t)1 << 60);
        sdallocx(p, size, 0);
    }
}

static void failing(void) {
    void *p = mallocx(100, 0);
    fill(p, 100, 1);
    KEEPS_ERRNO(CHECK(mallocx(SIZE_MAX, 0) == NULL));
    KEEPS_ERRNO(CHECK(mallocx((size_t)1 << 62, MALLOCX_ZERO) == NULL));
    KEEPS_ERRNO(CHECK(mallocx(1, MALLOCX_LG_ALIGN(63)) == NULL));
    KEEPS_ERRNO(CHECK(mallocx(1, MALLOCX_LG_ALIGN(62) | MALLOCX_ZERO) == NULL));
    KEEPS_ERRNO(CHECK(rallocx(p, SIZE_MAX, 0) == NULL));
    KEEPS_ERRNO(CHECK(rallocx(p, PTRDIFF_MAX, MALLOCX_ZERO | MALLOCX_ALIGN(4096)) == NULL));
    KEEPS_ERRNO(CHECK(rallocx(p, 10, MALLOCX_LG_ALIGN(63)) == NULL));
    KEEPS_ERRNO(CHECK(nallocx(SIZE_MAX, 0) == 0 && nallocx(1, MALLOCX_LG_ALIGN(63)) == 0));
    CHECK(nallocx((size_t)PTRDIFF_MAX, 0) == 0 && nallocx(PTRDIFF_MAX - 4096, 0) == 0 && nallocx((size_t)1 << 50, 0) == 0);
    CHECK(nallocx(16, MALLOCX_LG_ALIGN(61)) == 0 && nallocx(16, MALLOCX_LG_ALIGN(48)) == 0);
    CHECK(nallocx(16, MALLOCX_LG_ALIGN(40)) == 4096 && nallocx((size_t)1 << 40, 0) == (size_t)1 << 40);
    CHECK(filled(p, 100, 1));
    free(p);
}

int main(void) {
    encoding();
    allocation();
    good_size_of_large_objects();
    resizing();
    zeroing();
    zeroing_what_shrinks();
    in_place();
    failing();
    return finish();
}
