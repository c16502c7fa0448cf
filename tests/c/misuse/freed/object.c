// runs: 8 64 1000 16384 65536 262144
// expect: larder: invalid $call: $ptr: a free object of $size bytes
#include "../misuse.h"

int main(int argc, char **argv) {
    void *p = malloc(strtoul(argv[argc - 1], NULL, 10)), *other = malloc(64);
    name("ptr", p);
    name_size("size", malloc_usable_size(p));
    free(p);
    free(other);
    MISUSE(p);
    return SURVIVED;
}
