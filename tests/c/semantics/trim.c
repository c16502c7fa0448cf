/* malloc_trim gives free memory back to the system, and keeps memory in use. */
#include <malloc.h>

#include "check.h"

enum { MANY = 4000 };

/* Fills MANY objects of a size, frees all except every hundredth, and trims: the pages of the freed ones must be gone. */
static void after_freeing(size_t size) {
    static void *live[MANY];
    size_t before = resident();
    for (unsigned i = 0; i < MANY; i++) {
        live[i] = malloc(size);
        fill(live[i], size, i);
    }
    size_t full = resident();
    for (unsigned i = 0; i < MANY; i++)
        if (i % 100) free(live[i]);
    int trimmed = malloc_trim(0);
    CHECK(trimmed == 0 || trimmed == 1);
    if (on_larder()) CHECK(trimmed == 1 && malloc_trim(0) == 0);
    size_t rest = resident();
    CHECK(full >= before + MANY * size);
    CHECK(rest < before + MANY * size / 4);
    for (unsigned i = 0; i < MANY; i += 100) CHECK(filled(live[i], size, i));
    for (unsigned i = 0; i < MANY; i += 100) free(live[i]);
}

int main(void) {
    after_freeing(3000);
    after_freeing(20000);
    after_freeing(60000);
    malloc_trim(0);
    return finish();
}
