// The very first allocation of the process, which sets up the heap, happens with a cancel pending.
#include "threads.h"

static void first(void) {
    pthread_cancel(pthread_self());
    free(malloc(100));
    free(malloc(10 << 20));
    _exit(0);
}
__attribute__((section(".preinit_array"), used)) static void (*const at_preinit)(void) = first;

int main(void) { return 1; }
