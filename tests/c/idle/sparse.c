// sparse alone|left|threads: of many objects a few are left, one in nearly every slab. The free memory between them goes back: in a program of one
// thread while it frees other objects, also on another CPU (left), in a program with threads while it is idle. The objects that are left stay intact.
#include "idle/idle.h"
#include "moves.h"

enum { MANY = 60000, LEFT = 16, FEW = 2000, TURNS = 200, MOST_KIB = 48 * 1024, MOST_KIB_LEFT = 64 * 1024 };

static unsigned char *kept[MANY];

static size_t size_of(int i) { return 1024 + (i * 37) % 2048; }

static void *leave_a_few(void *unused) {
    for (int i = 0; i < MANY; i++) {
        CHECK(kept[i] = malloc(size_of(i)));
        memset(kept[i], i % 251 + 1, size_of(i));
    }
    for (int i = 0; i < MANY; i++) {
        if (i % LEFT == 0) continue;
        free(kept[i]);
        kept[i] = NULL;
    }
    return unused;
}

static void free_others(void) {
    static void *others[FEW];
    for (int i = 0; i < FEW; i++) CHECK(others[i] = malloc(32));
    for (int i = 0; i < FEW; i++) free(others[i]);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    long before = resident_kib();
    if (!strcmp(argv[1], "threads")) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, leave_a_few, NULL) && !pthread_join(thread, NULL));
        // Frees enough to start a helper thread.
        swell_in_a_thread();
        CHECK(shrinks_to(before + MOST_KIB));
    } else {
        int moves = !strcmp(argv[1], "left");
        long most = before + (moves ? MOST_KIB_LEFT : MOST_KIB);
        if (moves) move_on();
        leave_a_few(NULL);
        if (moves) move_on();
        for (int turn = 0; turn < TURNS && resident_kib() > most; turn++) {
            free_others();
            usleep(LOOK_MS * 1000);
        }
        CHECK(resident_kib() <= most);
    }
    for (int i = 0; i < MANY; i += LEFT) {
        for (size_t at = 0; at < size_of(i); at++) CHECK(kept[i][at] == i % 251 + 1);
        free(kept[i]);
    }
    return 0;
}
