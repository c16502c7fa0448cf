// Another library may have replaced libc's clock_gettime (to fake the time, say) by one that uses the heap and thread-local storage. It must be called
// neither inside malloc and free nor by the helper thread, which has no such storage.
#include <time.h>
#include "idle/idle.h"

// The program exports it, so it takes precedence over libc's.
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
