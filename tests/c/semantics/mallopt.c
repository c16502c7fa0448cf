/* mallopt knows glibc's parameters, and malloc goes on working whatever they are set to. */
#include <malloc.h>

#include "check.h"

int main(void) {
    CHECK(mallopt(M_MXFAST, 64) == 1);
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_TOP_PAD, 1 << 16) == 1);
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_MMAP_MAX, 100) == 1);
    CHECK(mallopt(M_CHECK_ACTION, 3) == 1);
    CHECK(mallopt(M_ARENA_TEST, 2) == 1);
    CHECK(mallopt(M_ARENA_MAX, 2) == 1);
    CHECK(mallopt(M_PERTURB, 0) == 1);
    /* glibc accepts every number. */
    if (on_larder()) {
        CHECK(mallopt(M_NLBLKS, 1) == 1 && mallopt(M_GRAIN, 1) == 1 && mallopt(M_KEEP, 1) == 1);
        CHECK(mallopt(0, 1) == 0 && mallopt(5, 1) == 0 && mallopt(-9, 1) == 0 && mallopt(1000, 1) == 0);
    }
    for (size_t size = 1; size < 10000000; size *= 3) {
        void *p = malloc(size);
        CHECK(p);
        memset(p, 1, size);
        free(p);
    }
    return finish();
}
