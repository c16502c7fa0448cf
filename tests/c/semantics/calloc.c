/* Memory from calloc is zero to the last byte, also if it was dirty when it was freed before. */
#include "check.h"

enum { LIVE = 64 };

static void dirty_then_calloc(size_t size) {
    void *live[LIVE];
    for (int i = 0; i < LIVE; i++) {
        live[i] = malloc(size);
        CHECK(live[i]);
        memset(live[i], 0xa5, size);
    }
    for (int i = 0; i < LIVE; i++) free(live[i]);
    for (int i = 0; i < LIVE; i++) {
        live[i] = i % 2 ? calloc(1, size) : calloc(size, 1);
        CHECK(live[i] && all_zero(live[i], size));
        memset(live[i], 0x5a, size);
    }
    for (int i = 0; i < LIVE; i++) free(live[i]);
}

int main(void) {
    for (size_t size = 1; size < 600; size++) dirty_then_calloc(size);
    for (size_t size = 600; size < 1 << 20; size += size / 3) dirty_then_calloc(size);
    for (size_t size = (size_t)1 << 20; size <= (size_t)64 << 20; size *= 8) {
        for (int round = 0; round < 4; round++) {
            char *p = calloc(size / 8, 8);
            CHECK(p && all_zero(p, size));
            memset(p, 1, size);
            free(p);
        }
    }
    return finish();
}
