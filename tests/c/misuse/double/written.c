// Writing to the object between the two frees does not hide the double free.
// runs: 0 65 255
// expect-one: larder: double free: $ptr: an object of 64 bytes
// expect-one: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

int main(int argc, char **argv) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    memset(p, atoi(argv[argc - 1]), 64);
    free(p);
    return take_many(64);
}
