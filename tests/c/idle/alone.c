// alone [helper|random|moved [MIB]]: a program of one thread gets no helper thread unless asked for. It keeps little memory all the same (MIB), in
// whatever order it frees, and even if the system moves it from CPU to CPU.
#include "idle/idle.h"
#include "moves.h"

enum { MOVE_EVERY = 1000 };

static void *objects[OBJECTS];

static void swell_and_free_at_random(int moves) {
    unsigned long random = 88172645463325252;
    for (int i = 0; i < OBJECTS; i++) {
        size_t size = 16 + (i * 37) % 1000;
        CHECK(objects[i] = malloc(size));
        memset(objects[i], 1, size);
    }
    for (int left = OBJECTS; left > 0; left--) {
        if (moves && left % MOVE_EVERY == 0) move_on();
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int at = random % left;
        free(objects[at]);
        objects[at] = objects[left - 1];
    }
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    int helped = !strcmp(how, "helper"), moves = !strcmp(how, "moved"), random = moves || !strcmp(how, "random");
    memset(objects, 1, sizeof objects);
    long before = resident_kib();
    if (random) swell_and_free_at_random(moves);
    else swell(NULL);
    CHECK(helped ? gets_helper() : !has_helper());
    // Of 100 MiB. If objects were freed at random, each object in a window keeps a page.
    int most = argc > 2 ? atoi(argv[2]) : helped ? 16 : random ? 48 : 40;
    CHECK(shrinks_to(before + most * 1024));
    return 0;
}
