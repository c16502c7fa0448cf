// expect: larder: invalid $call: $ptr: not memory of larder
#include "../misuse.h"

int main(void) {
    char local[64];
    name("ptr", local);
    MISUSE(local);
    return SURVIVED;
}
