// runs: 16 48 96 200 1000 3000 8000 16000
// expect: larder: invalid $call: $ptr: inside an object of $size bytes that begins at $begin
#include "../misuse.h"

int main(int argc, char **argv) {
    size_t size = strtoul(argv[argc - 1], NULL, 10);
    char *earlier = malloc(size), *object = malloc(size), *inside = object + size / 2;
    name_size("size", malloc_usable_size(object));
    name("begin", object);
    name("ptr", inside);
    MISUSE(inside);
    free(earlier);
    return SURVIVED;
}
