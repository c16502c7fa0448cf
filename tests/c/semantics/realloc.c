/* realloc keeps the bytes up to the smaller of both sizes, for every kind of object that it passes through. */
#include <malloc.h>

#include "check.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Resizes an object from one size to another and back, and writes all of it each time. */
static void there_and_back(size_t from, size_t to) {
    char *p = malloc(from);
    CHECK(p);
    fill(p, from, 1);
    p = realloc(p, to);
    CHECK(p && is_aligned(p, 16) && filled(p, smaller(from, to), 1));
    fill(p, to, 2);
    p = realloc(p, from);
    CHECK(p && is_aligned(p, 16) && filled(p, smaller(from, to), 2));
    fill(p, from, 3);
    free(p);
}

static void between_all_sizes(void) {
    static const size_t sizes[] = {1, 8, 16, 17, 100, 128, 129, 1000, 1024, 4096, 8191, 8192, 8193, 30000, 32768, 40000, 65536,
                                   100000, 262144, 1000000, 2097152, 5000000, 33554432, 70000000};
    size_t count = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            if (i < count - 3 || j < count - 3 || i % 2 == j % 2) there_and_back(sizes[i], sizes[j]);
}

static void growth_byte_by_byte(void) {
    char *p = NULL;
    for (size_t size = 1; size < 20000; size++) {
        p = realloc(p, size);
        CHECK(p);
        p[size - 1] = (char)pattern(4, size - 1);
    }
    CHECK(filled(p, 19999, 4));
    for (size_t size = 19999; size > 1; size--) {
        p = realloc(p, size - 1);
        if (size % 500 == 0) CHECK(p && filled(p, size - 1, 4));
    }
    free(p);
}

/* An object that grows a little at a time moves only every few times. One that shrinks a little stays; one that shrinks much gives its memory back. */
static void growth_with_room(void) {
    char *p = malloc(16);
    int moves = 0;
    for (size_t size = 17; size < 20000; size = size * 11 / 10 + 1) {
        char *grown = realloc(p, size);
        CHECK(grown && malloc_usable_size(grown) >= size && malloc_usable_size(grown) <= size + size * 9 / 16 + 16);
        moves += grown != p;
        p = grown;
    }
    CHECK(moves >= 10 && moves <= 22);
    size_t usable = malloc_usable_size(p);
    char *same = realloc(p, usable * 3 / 4);
    CHECK(same == p && malloc_usable_size(same) == usable);
    CHECK((p = realloc(same, usable / 2)) && malloc_usable_size(p) < usable * 5 / 8);
    free(p);
}

/* An object that grows in place must not overwrite its neighbours. */
static void with_neighbours(void) {
    enum { LIVE = 200 };
    char *live[LIVE];
    size_t size[LIVE];
    for (unsigned i = 0; i < LIVE; i++) {
        size[i] = 4096 * (1 + i % 7);
        live[i] = malloc(size[i]);
        fill(live[i], size[i], i);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < LIVE; i++) {
            size_t next = 3000 + (size_t)(i * 7919 + round * 104729) % 90000;
            live[i] = realloc(live[i], next);
            CHECK(live[i] && filled(live[i], smaller(size[i], next), i));
            size[i] = next;
            fill(live[i], size[i], i);
        }
    }
    for (unsigned i = 0; i < LIVE; i++) CHECK(filled(live[i], size[i], i));
    for (unsigned i = 0; i < LIVE; i++) free(live[i]);
}

/* An aligned object may lose its alignment, but none of its bytes. */
static void aligned_objects(void) {
    for (size_t align = 32; align <= 1 << 21; align *= 4) {
        char *p = aligned_alloc(align, 3000);
        CHECK(p && is_aligned(p, align));
        fill(p, 3000, 9);
        p = realloc(p, 50000);
        CHECK(p && is_aligned(p, 16) && filled(p, 3000, 9));
        p = realloc(p, 10);
        CHECK(p && filled(p, 10, 9));
        free(p);
    }
}

/* The whole usable size belongs to the holder: bytes written up to it survive as well. */
static void usable_bytes(void) {
    for (size_t size = 1; size < 300000; size += 1 + size / 5) {
        char *p = malloc(size);
        size_t usable = malloc_usable_size(p);
        fill(p, usable, 6);
        p = realloc(p, usable * 2 + 100);
        CHECK(p && filled(p, usable, 6));
        free(p);
    }
}

/* The same holds for objects that have a mapping of their own. */
static void shrinks(void) {
    const size_t mib = 1 << 20;
    char *p = malloc(100 * mib);
    CHECK(p && (p = realloc(p, 90 * mib)) && (p = realloc(p, 40 * mib)));
    fill(p, 40 * mib, 5);
    if (on_larder()) CHECK(malloc_usable_size(p) < 50 * mib);
    CHECK((p = realloc(p, 100)) && filled(p, 100, 5));
    free(p);
}

int main(void) {
    between_all_sizes();
    growth_byte_by_byte();
    growth_with_room();
    with_neighbours();
    aligned_objects();
    usable_bytes();
    shrinks();
    return finish();
}
