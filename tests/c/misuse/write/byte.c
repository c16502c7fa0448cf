// One byte of the link is written, whichever.
// runs: 0 1 2 3 4 5 6 7
// expect: larder: write after free: $ptr: an object of 64 bytes
#include "take.h"

int main(int argc, char **argv) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    scribble(p, atoi(argv[argc - 1]), 1);
    return take_many(64);
}
