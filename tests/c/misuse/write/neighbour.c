// The link is replaced by one that is valid for another free object.
// expect: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

int main(void) {
    void *first = malloc(64), *p = malloc(64), *last = malloc(64);
    name("ptr", last);
    free(first);
    free(p);
    free(last);
    memcpy(last, p, 8);
    return take_many(64);
}
