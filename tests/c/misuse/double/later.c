// The second free comes after others of the same class. It is caught at once or when the object is met again, but in any
// case before the object is returned twice.
// runs: 1 2 10 100 1000
// expect-one: larder: double free: $ptr: an object of 64 bytes
// expect-one: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

static void *others[20000];

int main(int argc, char **argv) {
    int count = atoi(argv[argc - 1]);
    void *p = malloc(64);
    for (int i = 0; i < count; i++) others[i] = malloc(64);
    name("ptr", p);
    free(p);
    for (int i = 0; i < count; i++) free(others[i]);
    free(p);
    return take_many(64);
}
