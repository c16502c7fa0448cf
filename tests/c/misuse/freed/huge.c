// expect: larder: invalid $call: $ptr: not memory of larder
#include "../misuse.h"

int main(void) {
    void *p = malloc(200 << 20);
    name("ptr", p);
    free(p);
    MISUSE(p);
    return SURVIVED;
}
