// A library with thread-local data, loaded and unloaded by tls_modules.c. A large block makes the loader allocate.
#include <stdlib.h>

static __thread char block[5000] = {1};
static __thread void *object;

int touch(int value);
int touch(int value) {
    free(object);
    object = malloc(100 + (size_t)value);
    block[4999] += value;
    return object != 0 && block[0] == 1;
}

void let_go(void);
void let_go(void) {
    free(object);
    object = 0;
}
