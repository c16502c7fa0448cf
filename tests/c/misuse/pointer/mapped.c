// expect: larder: invalid $call: $ptr: not memory of larder
#include <sys/mman.h>
#include "../misuse.h"

int main(void) {
    void *mine = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    name("ptr", mine);
    MISUSE(mine);
    return SURVIVED;
}
