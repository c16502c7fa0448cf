// Memory that is not larder's may be freed when asked for; one line says so, the program goes on.
// conf: foreign_free:ignore
// status: 0
// expect: larder: ignored free: $ptr: not memory of larder (said once)
#include "../misuse.h"

static char data[64];

int main(void) {
    name("ptr", data);
    for (int i = 0; i < 3; i++) free(data);
    free(malloc(64));
    return 0;
}
