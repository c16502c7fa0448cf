// The object is freed among others, and again after the heap was busy with other classes.
// runs: 10 5000
// expect-one: larder: double free: $ptr: an object of 64 bytes
// expect-one: larder: write after free, or freed twice: $ptr: an object of 64 bytes
#include "../take.h"

static void *others[5000];

static void be_busy(void) {
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) free(malloc(100 + random_size(&state, 16)));
}

int main(int argc, char **argv) {
    int count = atoi(argv[argc - 1]);
    for (int i = 0; i < count; i++) others[i] = malloc(64);
    name("ptr", others[count / 2]);
    for (int i = 0; i < count; i++) free(others[i]);
    be_busy();
    free(others[count / 2]);
    return take_many(64);
}
