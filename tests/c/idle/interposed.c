// Another library may have put its own clock_gettime in the place of libc's (one that fakes the time, say), with a heap and thread-local storage: it must
// be called neither inside malloc and free nor by the helper thread, which has no such storage.
#include <time.h>
#include "idle/idle.h"

// Exported by the program, it comes before libc's own.
int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock, (void)now;
    CHECK(!"clock_gettime is called");
    return -1;
}

int main(void) {
    long before = resident_kib();
    swell_in_a_thread();
    CHECK(gets_helper());
    CHECK(shrinks_to(before + 16 * 1024));
    return 0;
}
