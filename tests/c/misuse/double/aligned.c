// expect: larder: double free: $ptr: an object of $size bytes
#include "../misuse.h"

int main(void) {
    void *p = aligned_alloc(256, 300);
    name("ptr", p);
    name_size("size", malloc_usable_size(p));
    free(p);
    free(p);
    return SURVIVED;
}
