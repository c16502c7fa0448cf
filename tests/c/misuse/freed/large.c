// runs: 300000 1048576
// expect: larder: invalid $call: $ptr: a free page
#include "../misuse.h"

int main(int argc, char **argv) {
    void *p = malloc(strtoul(argv[argc - 1], NULL, 10));
    name("ptr", p);
    free(p);
    MISUSE(p);
    return SURVIVED;
}
