// conf: nonsense:1
// status: 0
// expect-words: larder nonsense purge_delay_ms foreign_free
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
