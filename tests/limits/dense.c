// dense, with a limit: objects that lie free on pages that count can be had, although the fullest slabs of their class have given pages back, for which there
// is no room.
#include <malloc.h>
#include <stdlib.h>
#include "churn.h"

enum { COUNT = 40000, SIZE = 352, FIRST = 28, ONE_OF = 6, MOST = 1 << 20, LEAST = 4096 };

static char *objects[COUNT];

static int by_address(const void *a, const void *b) {
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    return (one > other) - (one < other);
}

// Of every other slab the first objects are kept, so that all its other pages go back; of the rest one object in a few, so that none does. Returns how many
// objects are free in the latter slabs.
static int thin(void) {
    static char is_kept[COUNT];
    int slab = 0, number = 0, dense = 0;
    qsort(objects, COUNT, sizeof *objects, by_address);
    for (int i = 0; i < COUNT; i++, number++) {
        if (i > 0 && objects[i] != objects[i - 1] + SIZE) slab++, number = 0;
        is_kept[i] = slab % 2 == 0 ? number < FIRST : number % ONE_OF == 0;
        dense += slab % 2 == 1 && !is_kept[i];
    }
    for (int i = 0; i < COUNT; i++)
        if (!is_kept[i]) free(objects[i]);
    malloc_trim(0);
    return dense;
}

// Has everything that is left, in objects of other classes.
static void take_the_rest(void) {
    for (size_t size = MOST; size >= LEAST; size /= 2)
        for (char *object; (object = malloc(size)) != NULL;) memset(object, 1, size);
}

int main(void) {
    must_run_on_library();
    for (int i = 0; i < COUNT; i++) {
        CHECK((objects[i] = malloc(SIZE)) != NULL);
        memset(objects[i], 1, SIZE);
    }
    int dense = thin(), had = 0;
    take_the_rest();
    while (had < COUNT && malloc(SIZE) != NULL) had++;
    printf("%d of %d\n", had, dense);
    CHECK(dense > COUNT / 4 && had >= dense / 8 * 7 && had < COUNT);
    return 0;
}
