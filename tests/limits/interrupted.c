// A timer interrupts the thread every few microseconds, so that many a restartable sequence is cut off and starts over. No object may
// be lost, handed out twice, or taken for a double free.
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include "churn.h"

enum { BATCH = 64, SECONDS = 2, MICROSECONDS = 30 };

static void interrupt(int signal) { (void)signal; }

static void work(size_t size, uint64_t *tag) {
    void *batch[BATCH];
    uint64_t first = *tag + 1;
    for (int i = 0; i < BATCH; i++) {
        CHECK((batch[i] = malloc(size)) != NULL);
        fill(batch[i], 32, ++*tag);
    }
    for (int i = 0; i < BATCH; i++) {
        CHECK(intact(batch[i], 32, first + (uint64_t)i));
        free(batch[i]);
    }
}

int main(void) {
    static const size_t sizes[] = {32, 64, 1000, 7680, 30720};
    uint64_t tag = 0;
    must_run_on_library();
    CHECK(signal(SIGALRM, interrupt) != SIG_ERR);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){{0, MICROSECONDS}, {0, MICROSECONDS}}, NULL) == 0);
    for (time_t end = time(NULL) + SECONDS; time(NULL) < end;)
        for (size_t i = 0; i < 1000; i++) work(sizes[i % (sizeof sizes / sizeof *sizes)], &tag);
    return 0;
}
