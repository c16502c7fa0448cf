// riddled: the memory that a program keeps lies all over its heap, a page here and there. The kernel's collector, which makes huge pages of nearly empty
// ranges, must not bring back memory that was given back.
#include <malloc.h>
#include "churn.h"
#include "status.h"

enum { COUNT = 120 << 10, SIZE = 1024, KEPT = 64, SECONDS = 4, MIB = 1 << 20 };

int main(void) {
    static char *objects[COUNT];
    must_run_on_library();
    for (int i = 0; i < COUNT; i++) {
        CHECK(objects[i] = malloc(SIZE));
        memset(objects[i], 1, SIZE);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % KEPT) free(objects[i]);
    malloc_trim(0);
    size_t before = status("VmRSS:");
    CHECK(before < 40 * MIB);
    sleep(SECONDS);
    CHECK(status("VmRSS:") < before + before / 2);
    return 0;
}
