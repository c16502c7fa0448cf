// A program with threads that does nothing any more gives its memory back, by a thread that has a name, blocks all signals, has no
// capabilities, and sleeps when it is done.
#include "idle/idle.h"
#include <time.h>

// In the helper's status this line is that.
static void says(const char *field, const char *value) {
    char line[256];
    CHECK(helper_status(field, line, sizeof line));
    CHECK(!strcmp(line + strlen(field) + 1, value));
}

static long switches(void) {
    char line[256];
    CHECK(helper_status("voluntary_ctxt_switches:", line, sizeof line));
    return strtol(strchr(line, '\t'), NULL, 10);
}

int main(void) {
    long before = resident_kib();
    for (int turn = 0; turn < 3; turn++) {
        swell_in_a_thread();
        CHECK(gets_helper());
        CHECK(shrinks_to(before + 16 * 1024));
    }
    says("SigBlk:", "fffffffffffbfeff\n");
    says("CapEff:", "0000000000000000\n");
    usleep(1500 * 1000);
    long asleep = switches();
    clock_t worked = clock();
    usleep(500 * 1000);
    CHECK(switches() == asleep);
    CHECK(clock() - worked < CLOCKS_PER_SEC / 10);
    return 0;
}
