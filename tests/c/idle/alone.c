// alone [helper|random]: a program of one thread gets no helper thread unless asked for; what it keeps is little all the same, in whatever order it
// frees.
#include "idle/idle.h"

static void swell_and_free_at_random(void) {
    static void *objects[OBJECTS];
    unsigned long random = 88172645463325252;
    for (int i = 0; i < OBJECTS; i++) {
        size_t size = 16 + (i * 37) % 1000;
        CHECK(objects[i] = malloc(size));
        memset(objects[i], 1, size);
    }
    for (int left = OBJECTS; left > 0; left--) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int at = random % left;
        free(objects[at]);
        objects[at] = objects[left - 1];
    }
}

int main(int argc, char **argv) {
    int helped = argc > 1 && !strcmp(argv[1], "helper"), random = argc > 1 && !helped;
    long before = resident_kib();
    if (random) swell_and_free_at_random();
    else swell(NULL);
    CHECK(helped ? gets_helper() : !has_helper());
    CHECK(shrinks_to(before + (helped ? 16 : 40) * 1024));
    return 0;
}
