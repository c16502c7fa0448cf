// expect: larder: invalid $call: $ptr: not memory of larder
#include "../misuse.h"

static char data[64];

int main(void) {
    name("ptr", data);
    MISUSE(data);
    return SURVIVED;
}
