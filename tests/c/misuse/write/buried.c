// So many objects are freed afterwards that the object may lie in a slab, where it holds no link: the write must be caught or harmless.
// runs: 500 20000
// may survive
// expect: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

static void *others[20000];

int main(int argc, char **argv) {
    int above = atoi(argv[argc - 1]);
    void *p = malloc(64);
    for (int i = 0; i < above; i++) others[i] = malloc(64);
    name("ptr", p);
    free(p);
    for (int i = 0; i < above; i++) free(others[i]);
    memset(p, 0x41, 64);
    return take_many(64);
}
