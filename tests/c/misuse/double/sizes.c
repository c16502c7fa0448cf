// runs: 1 16 24 100 128 500 1024 2000 4096 8192 16384 65536 100000 262144
// expect: larder: double free: $ptr: an object of $size bytes
#include "../misuse.h"

int main(int argc, char **argv) {
    void *p = malloc(strtoul(argv[argc - 1], NULL, 10));
    name("ptr", p);
    name_size("size", malloc_usable_size(p));
    free(p);
    free(p);
    return SURVIVED;
}
