// runs: 300000 1048576 8388608
// expect: larder: invalid free: $ptr: a free page
#include "../misuse.h"

int main(int argc, char **argv) {
    void *p = malloc(strtoul(argv[argc - 1], NULL, 10));
    name("ptr", p);
    free(p);
    free(p);
    return SURVIVED;
}
