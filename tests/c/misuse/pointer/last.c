// expect: larder: invalid $call: 0xffffffffffffffff: not memory of larder
#include "../misuse.h"

int main(void) {
    MISUSE((void *)-1);
    return SURVIVED;
}
