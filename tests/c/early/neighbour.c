// A second library, preloaded beside the one under test: it allocates in its constructor and frees in its destructor.
#include <stdlib.h>
#include "pattern.h"

enum { OBJECTS = 50 };

static void *objects[OBJECTS];

__attribute__((constructor)) static void make(void) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(objects[i] = malloc(10 + i * 100));
        fill(objects[i], 10 + i * 100, i);
    }
}

__attribute__((destructor)) static void release(void) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(intact(objects[i], 10 + i * 100, i));
        free(objects[i]);
    }
}
