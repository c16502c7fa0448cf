// runs: 1 8 15 16 32 48 63
// expect: larder: invalid $call: $ptr: inside an object of 64 bytes that begins at $begin
#include "../misuse.h"

int main(int argc, char **argv) {
    char *object = malloc(64), *inside = object + atoi(argv[argc - 1]);
    name("begin", object);
    name("ptr", inside);
    MISUSE(inside);
    return SURVIVED;
}
