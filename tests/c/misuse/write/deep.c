// Other objects are freed afterwards: the link is checked when its turn comes.
// runs: 1 5 20
// expect: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

int main(int argc, char **argv) {
    int above = atoi(argv[argc - 1]);
    void *p = malloc(64), *others[20];
    for (int i = 0; i < above; i++) others[i] = malloc(64);
    name("ptr", p);
    free(p);
    for (int i = 0; i < above; i++) free(others[i]);
    memset(p, 0x41, 64);
    return take_many(64);
}
