// The first allocation happens while environ is NULL, and a program may set environ to NULL at any time.
#include <stdlib.h>
#include "pattern.h"

extern char **environ;

static void use_heap(void) {
    for (size_t size = 1; size < (size_t)100 << 20; size *= 4) {
        char *object = realloc(malloc(size), size + 1);
        CHECK(object);
        object[size] = 1;
        free(object);
    }
}

static void at_preinit(void) {
    char **kept = environ;
    environ = NULL;
    use_heap();
    environ = kept;
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = at_preinit;

int main(void) {
    use_heap();
    environ = NULL;
    use_heap();
    return clearenv();
}
