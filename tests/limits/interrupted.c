// A timer interrupts the thread every few microseconds, so that many restartable sequences are interrupted and start over. No object may
// be lost, returned twice, or taken for a double free; nor if a handler that interrupted the holder of a lock gives back memory and needs that lock.
#include <malloc.h>
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

static void interrupt_and_trim(int signal) {
    (void)signal;
    free(malloc(64));
    malloc_trim(0);
}

static void trim_while_interrupted(void) {
    enum { MANY = 3000 };
    static void *many[MANY];
    malloc_trim(0);
    size_t before = mallinfo2().uordblks;
    CHECK(signal(SIGALRM, interrupt_and_trim) != SIG_ERR);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){{0, 10 * MICROSECONDS}, {0, 10 * MICROSECONDS}}, NULL) == 0);
    for (time_t end = time(NULL) + SECONDS; time(NULL) < end;) {
        for (int i = 0; i < MANY; i++) CHECK((many[i] = malloc(64)) != NULL);
        for (int i = 0; i < MANY; i++) free(many[i]);
        malloc_trim(0);
    }
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL) == 0);
    malloc_trim(0);
    CHECK(mallinfo2().uordblks <= before);
}

int main(void) {
    static const size_t sizes[] = {32, 64, 1000, 7680, 30720};
    uint64_t tag = 0;
    must_run_on_library();
    CHECK(signal(SIGALRM, interrupt) != SIG_ERR);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){{0, MICROSECONDS}, {0, MICROSECONDS}}, NULL) == 0);
    for (time_t end = time(NULL) + SECONDS; time(NULL) < end;)
        for (size_t i = 0; i < 1000; i++) work(sizes[i % (sizeof sizes / sizeof *sizes)], &tag);
    trim_while_interrupted();
    return 0;
}
