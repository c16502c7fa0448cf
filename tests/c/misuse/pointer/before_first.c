// The misuse is the very first call, before there is a heap.
// expect: larder: invalid $call: $ptr: not memory of larder
#include "../misuse.h"

static char data[64];

static void first(void) {
    name("ptr", data);
    MISUSE(data);
    _exit(SURVIVED);
}
__attribute__((section(".preinit_array"), used)) static void (*const at_preinit)(void) = first;

int main(void) { return SURVIVED; }
