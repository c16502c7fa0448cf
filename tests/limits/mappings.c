// The kernel allows a process some 65,000 mappings: an allocator that splits a mapping for each object or run uses them up. With many runs of many
// sizes, of which every second one is freed and purged, the process must stay within a few hundred.
#include <malloc.h>
#include "churn.h"

enum { RUNS = 6000 };

static int mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    int lines = 0;
    for (int c; (c = getc(maps)) != EOF;) lines += c == '\n';
    fclose(maps);
    return lines;
}

int main(void) {
    static char *runs[RUNS];
    must_run_on_library();
    for (int i = 0; i < RUNS; i++) {
        size_t size = (size_t)4096 << i % 8;
        CHECK((runs[i] = malloc(size)) != NULL);
        runs[i][0] = runs[i][size - 1] = 1;
    }
    for (int i = 0; i < RUNS; i += 2) free(runs[i]);
    malloc_trim(0);
    int count = mappings();
    printf("%d mappings\n", count);
    CHECK(count < 500);
    return 0;
}
