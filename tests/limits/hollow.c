// hollow LIMIT: with limit_mib:LIMIT, memory that nearly empty slabs have given back is available for other objects, but not twice: resident memory
// stays within the limit.
#include <errno.h>
#include <stdlib.h>
#include "churn.h"
#include "status.h"

enum { COUNT = 400000, SIZE = 512, KEPT = 64, MIB = 1 << 20 };

static char *objects[COUNT];

// Allocates the missing objects, as far as there is memory.
static int take(void) {
    for (int i = 0; i < COUNT; i++) {
        if (objects[i]) continue;
        if (!(objects[i] = malloc(SIZE))) return errno == ENOMEM ? 0 : -1;
        memset(objects[i], 1, SIZE);
    }
    return 1;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    must_run_on_library();
    size_t limit = strtoul(argv[1], NULL, 10) * MIB, large = limit / 2;
    CHECK(take() == 1);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < COUNT; i++)
            if (i % KEPT) free(objects[i]), objects[i] = NULL;
        char *other = malloc(large);
        CHECK(other);
        memset(other, 1, large);
        CHECK(take() == 0);
        CHECK(status("VmRSS:") < limit + 16 * MIB);
        free(other);
        CHECK(take() == 1);
    }
    return 0;
}
