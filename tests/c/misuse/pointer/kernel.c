// expect: larder: invalid $call: 0xffff800000001000: not memory of larder
#include "../misuse.h"

int main(void) {
    MISUSE((void *)0xffff800000001000);
    return SURVIVED;
}
