// Threads work while the helper gathers and drains their windows again and again (purge_delay_ms is small). Contents must stay intact.
#include "fork/fork.h"
#include "idle/idle.h"

int main(void) {
    enum { WORKERS = 6, SECONDS = 3 };
    pthread_t workers[WORKERS];
    start_load(workers, WORKERS);
    for (int i = 0; i < SECONDS * 4; i++) {
        swell_in_a_thread();
        usleep(100 * 1000);
    }
    CHECK(gets_helper());
    end_load(workers, WORKERS);
    return 0;
}
