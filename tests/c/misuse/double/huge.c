// expect: larder: invalid free: $ptr: not memory of larder
#include "../misuse.h"

int main(void) {
    void *p = malloc(200 << 20);
    name("ptr", p);
    free(p);
    free(p);
    return SURVIVED;
}
