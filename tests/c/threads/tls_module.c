// A library with thread-local data, which tls_modules.c loads and unloads. The data is so large that the loader allocates memory for it.
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
