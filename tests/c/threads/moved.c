// A program of one thread that is moved from CPU to CPU takes along the objects that it freed: the next malloc finds them, whatever the windows are indexed
// by. Then the same while a signal handler also allocates: every object keeps its contents.
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include "moves.h"

enum { MOVES = 2000, STEPS = 40, OBJECTS = 500, MICROSECONDS = 100, BITS = 14 };

static volatile sig_atomic_t handled;

static void what_was_freed_is_found(void) {
    static const size_t sizes[] = {16, 64, 1000, 5000, 30000};
    for (int i = 0; i < MOVES; i++) {
        size_t size = sizes[i % 5];
        void *object = malloc(size);
        CHECK(object != NULL);
        if (i % 2) move_on();
        free(object);
        move_on();
        void *again = malloc(size);
        CHECK(again == object);
        free(again);
    }
}

static void handle(int unused) {
    static uint64_t random = 3;
    static unsigned char *kept[16];
    static size_t sizes[16];
    int place = next_random(&random) % 16;
    for (size_t i = 0; i < sizes[place]; i++) CHECK(kept[place][i] == (unsigned char)place);
    free(kept[place]);
    sizes[place] = random_size(&random, BITS);
    CHECK((kept[place] = malloc(sizes[place])) != NULL);
    memset(kept[place], place, sizes[place]);
    handled++;
    (void)unused;
}

static void contents_are_kept(void) {
    static unsigned char *objects[OBJECTS];
    static size_t sizes[OBJECTS];
    uint64_t random = 5;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, MICROSECONDS}, {0, MICROSECONDS}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < MOVES; i++) {
        move_on();
        for (int step = 0; step < STEPS; step++) {
            size_t place = next_random(&random) % OBJECTS;
            for (size_t byte = 0; byte < sizes[place]; byte++) CHECK(objects[place][byte] == (unsigned char)place);
            free(objects[place]);
            sizes[place] = random_size(&random, BITS);
            CHECK((objects[place] = malloc(sizes[place])) != NULL);
            memset(objects[place], (int)place, sizes[place]);
        }
    }
    CHECK(handled > 0);
}

int main(void) {
    what_was_freed_is_found();
    contents_are_kept();
    return 0;
}
