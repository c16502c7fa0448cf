// The first calls of the process come from preinit_array, before any library's constructor; the next come from constructors of
// the highest priority. All objects stay live and are freed at exit, the last in a destructor.
#include <stdlib.h>
#include "pattern.h"

enum { OBJECTS = 100, LARGE = 300000 };

static void *objects[3][OBJECTS];

static size_t size_of(int set, int i) { return i ? 1 + (set * 71 + i * 53) % 3000 : LARGE; }

static void make(int set) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(objects[set][i] = calloc(1, size_of(set, i)));
        fill(objects[set][i], size_of(set, i), set * OBJECTS + i);
    }
}

static void release(int set) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(intact(objects[set][i], size_of(set, i), set * OBJECTS + i));
        free(objects[set][i]);
    }
}

static void at_preinit(void) { make(0); }
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = at_preinit;

__attribute__((constructor(101))) static void first_constructor(void) { make(1); }
__attribute__((destructor(101))) static void last_destructor(void) { release(0); }

static void at_exit(void) { release(1); }

int main(void) {
    make(2);
    release(2);
    return atexit(at_exit);
}
