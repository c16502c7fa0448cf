// part: the program locks single objects. If one of them moves its pages away, its neighbours stay locked, and the object does not count as locked for
// ever.
#include <sys/mman.h>
#include <sys/resource.h>
#include "churn.h"
#include "status.h"

enum { LARGE = 2 << 20, TURNS = 20, PART = 700 << 10 };

// The locked memory as mlock counts it.
static size_t locked(void) { return status("VmLck:"); }

static void neighbours_stay_locked(void) {
    char *one = malloc(LARGE), *other = malloc(LARGE), *next = malloc(LARGE);
    memset(one, 1, LARGE), memset(other, 2, LARGE), memset(next, 3, LARGE);
    CHECK(mlock(one, LARGE) == 0 && mlock(other, LARGE) == 0 && locked() == 2 * LARGE);
    CHECK((one = realloc(one, 32 * LARGE)) && one[LARGE - 1] == 1);
    munlock(one, 32 * LARGE);
    munlock(other, LARGE);
    CHECK(locked() <= LARGE);
    free(one), free(other), free(next);
    munlockall();
}

static void what_is_unlocked_counts_no_more(void) {
    size_t before = locked();
    for (int turn = 0; turn < TURNS; turn++) {
        char *object = malloc(PART), *next = malloc(PART);
        memset(object, 1, PART);
        CHECK(mlock(object, PART) == 0);
        CHECK(object = realloc(object, 2 * PART));
        munlock(object, 2 * PART);
        munlock(next, PART);
        free(object);
        free(next);
    }
    CHECK(locked() <= before + 2 * PART);
}

int main(void) {
    must_run_on_library();
    neighbours_stay_locked();
    what_is_unlocked_counts_no_more();
    return 0;
}
