// conf: numa:bind:1000
// status: 0
// expect-words: larder numa 1000 local
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
