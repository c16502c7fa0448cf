// cut [helper]: memory that realloc cuts off large objects goes back like freed memory: at once if there is no helper thread.
#include "idle/idle.h"

enum { LIVE = 40, LARGE = 20 << 20, SMALL = 600 << 10, HUGE = 200 << 20 };

int main(int argc, char **argv) {
    static char *objects[LIVE];
    long before = resident_kib();
    (void)argv;
    for (int i = 0; i < LIVE; i++) {
        CHECK(objects[i] = malloc(LARGE));
        memset(objects[i], i, LARGE);
    }
    for (int i = 0; i < LIVE; i++) {
        CHECK(objects[i] = realloc(objects[i], SMALL));
        CHECK(objects[i][0] == i && objects[i][SMALL - 1] == i);
    }
    char *huge = memset(malloc(HUGE), 1, HUGE);
    CHECK((huge = realloc(huge, HUGE / 2 + 1)) && huge[HUGE / 2] == 1);
    before += HUGE / 2 >> 10;
    if (argc > 1) CHECK(gets_helper());
    CHECK(shrinks_to(before + (argc > 1 ? 1 : 3) * (LIVE * SMALL >> 10) + 40 * 1024));
    return 0;
}
