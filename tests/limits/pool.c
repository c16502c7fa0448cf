// pool MIB: with hugetlb:2m huge objects come from the system's pool as long as it has pages, at least MIB MiB of them, and then from ordinary pages.
// They grow, shrink and are freed like others, and the pool is complete again at the end.
#include <malloc.h>
#include "churn.h"

enum { LARGE = 50000001, HELD = 4 };

// Returns a number of /proc/meminfo.
static long meminfo(const char *name) {
    char line[256];
    long number = -1;
    FILE *file = fopen("/proc/meminfo", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) number = strtol(line + strlen(name), NULL, 10);
    fclose(file);
    return number;
}

int main(int argc, char **argv) {
    static unsigned char *objects[HELD];
    CHECK(argc == 2);
    must_run_on_library();
    long free_before = meminfo("HugePages_Free:");
    for (int i = 0; i < HELD; i++) {
        CHECK((objects[i] = malloc(LARGE)) != NULL);
        fill(objects[i], LARGE, (uint64_t)i);
    }
    long taken = (free_before - meminfo("HugePages_Free:")) * 2;
    printf("%ld MiB from the pool\n", taken);
    CHECK(taken >= strtol(argv[1], NULL, 10));
    for (int i = 0; i < HELD; i++) {
        static const size_t sizes[] = {LARGE * 2, LARGE / 8 * 7, 1000000, 70000000};
        for (size_t j = 0, size = LARGE, common; j < sizeof sizes / sizeof *sizes; size = sizes[j++]) {
            common = size < sizes[j] ? size : sizes[j];
            CHECK((objects[i] = realloc(objects[i], sizes[j])) != NULL);
            CHECK(intact(objects[i], common / 8 * 8, (uint64_t)i));
            fill(objects[i], sizes[j], (uint64_t)i);
        }
    }
    for (int i = 0; i < HELD; i++) free(objects[i]);
    CHECK(meminfo("HugePages_Free:") == free_before);
    return 0;
}
