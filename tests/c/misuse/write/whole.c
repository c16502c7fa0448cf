// runs: 0 65 255
// expect: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

int main(int argc, char **argv) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    memset(p, atoi(argv[argc - 1]), 64);
    return take_many(64);
}
