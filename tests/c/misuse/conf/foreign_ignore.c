// If asked to, larder ignores a free of memory that is not its own: it prints one line, and the program goes on.
// conf: foreign_free:ignore
// status: 0
// expect: larder: ignored free: $ptr: not memory of larder (reported only once)
#include "../misuse.h"

static char data[64];

int main(void) {
    name("ptr", data);
    for (int i = 0; i < 3; i++) free(data);
    free(malloc(64));
    return 0;
}
