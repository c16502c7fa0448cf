// zeros: memory from calloc reads zero, also if it was used, freed and given back before.
#include <malloc.h>
#include "churn.h"

enum { COUNT = 400, MOST = 300 << 10 };

int main(void) {
    static unsigned char *objects[COUNT];
    must_run_on_library();
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < COUNT; i++) {
            size_t size = 1 + (size_t)i * MOST / COUNT;
            CHECK(objects[i] = calloc(1, size));
            CHECK(all_zero(objects[i], size));
            memset(objects[i], 0xff, size);
        }
        for (int i = 0; i < COUNT; i++) free(objects[i]);
        malloc_trim(0);
    }
    return 0;
}
