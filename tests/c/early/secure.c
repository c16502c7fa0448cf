// The runner makes this program setuid. It reports whether the kernel asked for secure mode.
#include <stdlib.h>
#include <sys/auxv.h>

int main(void) {
    free(malloc(100));
    return getauxval(AT_SECURE) ? 0 : 4;
}
