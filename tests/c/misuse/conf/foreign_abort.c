// If asked to ignore foreign pointers, larder still reports a double free of its own objects.
// conf: foreign_free:ignore
// expect: larder: double free: $ptr: an object of 64 bytes
#include "../misuse.h"

int main(void) {
    void *p = malloc(64);
    name("ptr", p);
    free(p);
    free(p);
    return SURVIVED;
}
