// What the program wrote between the two frees hides nothing.
// runs: 0 65 255
// expect-one: larder: double free: $ptr: an object of 64 bytes
// expect-one: larder: write after free: $ptr: an object of 64 bytes
#include "../misuse.h"

int main(int argc, char **argv) {
    void *p = malloc(64), *q;
    name("ptr", p);
    free(p);
    memset(p, atoi(argv[argc - 1]), 64);
    free(p);
    p = malloc(64);
    q = malloc(64);
    return p == q ? HANDED_OUT_TWICE : SURVIVED;
}
