// A program with threads that has become idle gives its memory back. This is done by a thread that has a name, blocks all signals, has
// no capabilities and no real-time priority, and sleeps when it is done.
#include "idle/idle.h"
#include <malloc.h>
#include <sched.h>
#include <time.h>

static long helper_counts(const char *field) {
    char line[256];
    CHECK(helper_status(field, line, sizeof line));
    return strtol(strchr(line, '\t'), NULL, 10);
}

static long switches(void) { return helper_counts("voluntary_ctxt_switches:"); }

int main(void) {
    long before = resident_kib();
    size_t in_use = mallinfo2().uordblks;
    for (int turn = 0; turn < 3; turn++) {
        swell_in_a_thread();
        CHECK(gets_helper());
        CHECK(shrinks_to(before + 16 * 1024));
    }
    // No object was lost on the way from the windows to the slabs.
    CHECK(mallinfo2().uordblks <= in_use + 16 * 1024);
    helper_says("SigBlk:", "fffffffffffbfeff\n");
    helper_says("CapEff:", "0000000000000000\n");
    CHECK(sched_getscheduler((pid_t)helper_counts("Pid:")) == SCHED_OTHER);
    usleep(1500 * 1000);
    long asleep = switches();
    clock_t worked = clock();
    usleep(500 * 1000);
    CHECK(switches() == asleep);
    CHECK(clock() - worked < CLOCKS_PER_SEC / 10);
    return 0;
}
