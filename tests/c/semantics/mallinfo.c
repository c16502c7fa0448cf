/* The figures of mallinfo and mallinfo2 follow the objects that the program holds. */
#include <limits.h>
#include <malloc.h>

#include "check.h"

enum { MANY = 10000 };
#define HUGE ((size_t)3 << 30)

static void small_objects(void) {
    static void *live[MANY];
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < MANY; i++) live[i] = malloc(100);
    struct mallinfo2 during = mallinfo2();
    for (int i = 0; i < MANY; i++) free(live[i]);
    struct mallinfo2 after = mallinfo2();
    CHECK(during.uordblks >= before.uordblks + MANY * 100);
    CHECK(during.uordblks <= before.uordblks + MANY * 200);
    CHECK(during.arena >= during.uordblks);
    CHECK(after.uordblks < during.uordblks);
    CHECK(after.fordblks + after.smblks > 0 && after.arena >= after.uordblks);
    if (on_larder()) {
        CHECK(after.uordblks <= before.uordblks + 4096);
        CHECK(after.fordblks > before.fordblks);
        CHECK(after.keepcost <= after.fordblks && after.fsmblks <= after.fordblks);
        CHECK(after.arena >= after.uordblks + after.fordblks);
    }
}

static void huge_objects(void) {
    struct mallinfo2 before = mallinfo2();
    void *p = malloc(HUGE), *q = malloc(HUGE);
    struct mallinfo2 during = mallinfo2();
    struct mallinfo narrow = mallinfo();
    CHECK(p && q);
    CHECK(during.hblks == before.hblks + 2);
    CHECK(during.hblkhd >= before.hblkhd + 2 * HUGE && during.hblkhd < before.hblkhd + 2 * HUGE + (8 << 20));
    CHECK(during.arena < HUGE);
    CHECK(narrow.hblks == (int)during.hblks);
    CHECK(narrow.arena == (int)during.arena && narrow.uordblks == (int)during.uordblks);
    /* In glibc the figure wraps around. */
    if (on_larder()) CHECK(narrow.hblkhd == INT_MAX);
    free(p);
    free(q);
    CHECK(mallinfo2().hblks == before.hblks && mallinfo2().hblkhd == before.hblkhd);
}

/* Memory that is kept of filled and freed mappings counts as memory that can be given back. */
static void warm_mappings(void) {
    const size_t size = (size_t)40 << 20;
    for (int i = 0; i < 8; i++) {
        void *p = calloc(1, size);
        CHECK(p);
        memset(p, 1, size);
        free(p);
    }
    struct mallinfo2 before = mallinfo2();
    malloc_trim(0);
    if (on_larder()) CHECK(before.keepcost >= (size_t)16 << 20 && before.keepcost <= before.fordblks && mallinfo2().keepcost < 1 << 20);
}

int main(void) {
    small_objects();
    huge_objects();
    warm_mappings();
    return finish();
}
