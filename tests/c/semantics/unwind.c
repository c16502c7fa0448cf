/* A profiler's signal handler can unwind out of malloc: the unwinder knows every instruction of the fast paths. */
#include <execinfo.h>
#include <signal.h>
#include <sys/time.h>

#include "check.h"

enum { SAMPLES = 300, DEPTH = 32 };

static volatile sig_atomic_t samples, whole;
static void *frames[DEPTH];

/* The number of frames of a sample taken in `work` itself: the handler's and the kernel's frames are on top of work's own. */
static int deep;

static void sample(int unused) {
    (void)unused;
    int depth = backtrace(frames, DEPTH);
    samples++;
    if (depth >= deep) whole++;
}

static __attribute__((noinline)) void work(void) {
    for (long i = 0; i < 2000000000 && samples < SAMPLES; i++) {
        void *volatile p = malloc(64);
        free(p);
    }
}

/* Called from where `work` is called; it also makes backtrace load its library before a signal arrives. */
static __attribute__((noinline)) void measure(void) { deep = backtrace(frames, DEPTH) + 2; }

int main(void) {
    struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    signal(SIGPROF, sample);
    measure();
    setitimer(ITIMER_PROF, &every, NULL);
    work();
    setitimer(ITIMER_PROF, &never, NULL);
    if (whole < samples) fprintf(stderr, "%d of %d samples were cut short\n", (int)(samples - whole), (int)samples);
    CHECK(samples == SAMPLES && whole * 100 >= samples * 98);
    return finish();
}
