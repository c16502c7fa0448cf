// One byte of the link, whichever, is overwritten. The link may then lead to another object, which is reported instead.
// runs: 0 1 2 3 4 5 6 7
// expect-start: larder: write after free, or freed twice: 0x
#include "../take.h"

int main(int argc, char **argv) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    scribble(p, atoi(argv[argc - 1]), 1);
    return take_many(64);
}
