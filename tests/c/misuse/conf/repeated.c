// An earlier value stands if a bad one follows, and the message says so.
// conf: purge_delay_ms:250,purge_delay_ms:-1
// status: 0
// expect: larder: LARDER_CONF: bad value '-1' for 'purge_delay_ms'; expected 0..3600000; using 250
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
