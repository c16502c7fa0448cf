// When the process has as many mappings as the kernel allows, unmapping the middle of one is refused. The memory must go back all the same.
#include <sys/mman.h>
#include "churn.h"
#include "status.h"

enum { SIZE = 64 << 20, ARRAYS = 3, PART = 4096, MOST = 1 << 20 };

int main(void) {
    static char *arrays[ARRAYS];
    must_run_on_library();
    for (int i = 0; i < ARRAYS; i++) {
        CHECK((arrays[i] = malloc(SIZE)) != NULL);
        fill(arrays[i], SIZE, (uint64_t)i);
    }
    char *parts = mmap(NULL, (size_t)MOST * PART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(parts != MAP_FAILED);
    int count = 0;
    while (count < MOST && mprotect(parts + (size_t)count * PART, PART, PROT_READ) == 0) count += 2;
    size_t before = status("VmRSS:");
    free(arrays[1]);
    size_t after = status("VmRSS:");
    printf("%d parts; %zu MiB, then %zu\n", count, before >> 20, after >> 20);
    CHECK(after < before - SIZE / 8 * 7);
    CHECK(intact(arrays[0], SIZE, 0) && intact(arrays[2], SIZE, 2));
    CHECK(munmap(parts, (size_t)MOST * PART) == 0);
    free(arrays[0]);
    free(arrays[2]);
    return 0;
}
