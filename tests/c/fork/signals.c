// Timers interrupt the main thread thousands of times a second, in the middle of malloc, free and realloc. The
// handlers make the same calls with objects of their own, and are themselves interrupted by a second signal.
// The system malloc does not support this.
#include <signal.h>
#include <time.h>
#include "fork.h"

enum { SLOTS = 64, OUTER = 0, INNER = 1, MAIN = 2, HANDLED = 4000 };

struct pool {
    void *objects[SLOTS];
    size_t sizes[SLOTS];
    uint64_t state;
};

static struct pool pools[3];
static volatile sig_atomic_t handled[2];

// One step on a pool: frees, grows or allocates an object, and checks the contents.
static void step(int which, unsigned bits) {
    struct pool *pool = &pools[which];
    int at = next_random(&pool->state) % SLOTS;
    void *old = pool->objects[at];
    size_t size = random_size(&pool->state, bits), kept = pool->sizes[at];
    if (old) CHECK(intact(old, kept, which * SLOTS + at));
    if (old && next_random(&pool->state) % 3 == 0) {
        free(old);
        pool->objects[at] = NULL;
        return;
    }
    CHECK(pool->objects[at] = realloc(old, size));
    pool->sizes[at] = size;
    fill(pool->objects[at], size, which * SLOTS + at);
}

static void on_timer(int signal) {
    int which = signal == SIGUSR1 ? OUTER : INNER;
    for (int i = 0; i < 3; i++) step(which, 12);
    if (handled[which] % 16 == 0) step(which, 19);
    handled[which]++;
}

static timer_t start_timer(int signal, long nanoseconds) {
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct itimerspec every = {{0, nanoseconds}, {0, nanoseconds}};
    timer_t timer;
    sigaction(signal, &action, NULL);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &every, NULL) == 0);
    return timer;
}

int main(void) {
    for (int i = 0; i < 3; i++) pools[i].state = i + 1;
    timer_t outer = start_timer(SIGUSR1, 311000), inner = start_timer(SIGUSR2, 173000);
    while (handled[OUTER] < HANDLED || handled[INNER] < HANDLED)
        for (int i = 0; i < 1000; i++) step(MAIN, i % 50 ? 12 : 19);
    timer_delete(outer);
    timer_delete(inner);
    for (int which = 0; which < 3; which++)
        for (int at = 0; at < SLOTS; at++) free(pools[which].objects[at]);
    return 0;
}
