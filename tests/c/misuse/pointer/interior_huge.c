// runs: 1 16 4096 104857600
// expect: larder: invalid $call: $ptr: inside a huge object of $size bytes that begins at $begin
#include "../misuse.h"

int main(int argc, char **argv) {
    char *object = malloc(200 << 20), *inside = object + atoi(argv[argc - 1]);
    name_size("size", malloc_usable_size(object));
    name("begin", object);
    name("ptr", inside);
    MISUSE(inside);
    return SURVIVED;
}
