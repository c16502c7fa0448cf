// conf: purge_delay_ms:abc
// status: 0
// expect-words: larder purge_delay_ms abc
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
