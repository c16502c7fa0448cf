// expect: larder: invalid $call: 0xdeadbeef0: not memory of larder
#include "../misuse.h"

int main(void) {
    MISUSE((void *)0xdeadbeef0);
    return SURVIVED;
}
