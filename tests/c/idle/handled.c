// handled main|other|nobody: the helper thread finds an object that was written to after it was freed. The program's handler for SIGABRT runs in a
// thread of the program, or in none if all block the signal; never in the helper, where libc does not work.
#include <signal.h>
#include "idle/idle.h"

static __thread int is_mine;

static void handle(int number) { _exit(number == SIGABRT && is_mine == 42 ? 7 : 1); }

static void hold_back(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    CHECK(!pthread_sigmask(how, &set, NULL));
}

static void *wait_for_it(void *unused) {
    is_mine = 42;
    hold_back(SIG_UNBLOCK);
    for (;;) pause();
    return unused;
}

int main(int argc, char **argv) {
    enum { MANY = 400000 };
    static long *objects[MANY];
    CHECK(argc == 2);
    pthread_t thread;
    signal(SIGABRT, handle);
    if (strcmp(argv[1], "main")) hold_back(SIG_BLOCK);
    else is_mine = 42;
    CHECK(strcmp(argv[1], "other") || !pthread_create(&thread, NULL, wait_for_it, NULL));
    swell_in_a_thread();
    for (int i = 0; i < MANY; i++) CHECK(objects[i] = malloc(100));
    for (int i = 0; i < MANY; i++) free(objects[i]);
    for (int i = 1; i < 100; i++) objects[MANY - i][0] = 0x1234567;
    for (int ms = 0; ms < IDLE_MS; ms += LOOK_MS) usleep(LOOK_MS * 1000);
    return 2;
}
