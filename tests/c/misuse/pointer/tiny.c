// expect: larder: invalid $call: 0x1: not memory of larder
#include "../misuse.h"

int main(void) {
    MISUSE((void *)1);
    return SURVIVED;
}
