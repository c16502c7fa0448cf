// expect: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

int main(void) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    scribble(p, 0, 4);
    return take_many(64);
}
