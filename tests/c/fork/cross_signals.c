#include <signal.h>
#include "fork/fork.h"
enum { THREADS = 4, ROUNDS = 20000, BATCH = 600 };
static size_t size_of(int which) { return which ? 4096 : 2048; }
static _Thread_local int mine;
static void burst(int which) {
    void *objects[BATCH];
    for (int i = 0; i < BATCH; i++) CHECK(objects[i] = malloc(size_of(which)));
    for (int i = 0; i < BATCH; i++) free(objects[i]);
}
static void on_signal(int s) { (void)s; burst(!mine); }
static void *work(void *n) {
    mine = (uintptr_t)n % 2;
    while (!atomic_load(&stop_load)) burst(mine);
    return NULL;
}
int main(void) {
    struct sigaction a = {.sa_handler = on_signal};
    pthread_t t[THREADS];
    sigaction(SIGUSR1, &a, NULL);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&t[i], NULL, work, (void *)(uintptr_t)i));
    for (int i = 0; i < ROUNDS; i++) { CHECK(!pthread_kill(t[i % THREADS], SIGUSR1)); if (i % 4 == 0) usleep(50); }
    end_load(t, THREADS);
    return 0;
}
