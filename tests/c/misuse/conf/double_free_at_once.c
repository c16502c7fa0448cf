// If asked to, larder reports a double free in the second free, whatever was freed in between.
// conf: double_free:at_once
// runs: 0 1 10 100 1000 20000
// expect: larder: double free: $ptr: an object of 64 bytes
#include "../misuse.h"

static void *others[20000];

int main(int argc, char **argv) {
    int count = atoi(argv[argc - 1]);
    void *p = malloc(64);
    for (int i = 0; i < count; i++) others[i] = malloc(64);
    name("ptr", p);
    free(p);
    for (int i = 0; i < count; i++) free(others[i]);
    free(p);
    return SURVIVED;
}
