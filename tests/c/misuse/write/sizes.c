// runs: 8 24 200 1024 4096 16384 40000 262144
// expect: larder: write after free, or freed twice: $ptr: an object of $size bytes
#include "../take.h"

int main(int argc, char **argv) {
    size_t size = strtoul(argv[argc - 1], NULL, 10);
    void *p = malloc(size);
    name("ptr", p);
    name_size("size", malloc_usable_size(p));
    free(p);
    memset(p, 0x41, size);
    return take_many(size);
}
