// A bad entry does not spoil the good one after it.
// conf: nonsense:1,foreign_free:ignore
// status: 0
// lines: 2
// expect-words: larder nonsense purge_delay_ms foreign_free
#include "../misuse.h"

static char data[64];

int main(void) {
    free(data);
    return 0;
}
