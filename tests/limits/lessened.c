// lessened FROM TO: when no memory is left, an object can still shrink, wherever it then lies, and keeps its first bytes.
#include "churn.h"

enum { MANY = 1 << 20, STEP = 4000 };

int main(int argc, char **argv) {
    static void *filler[MANY];
    CHECK(argc == 3);
    must_run_on_library();
    size_t from = strtoul(argv[1], NULL, 10), to = strtoul(argv[2], NULL, 10), count = 0;
    char *object = malloc(from);
    CHECK(object);
    fill(object, from, 7);
    while (count < MANY && (filler[count] = malloc(STEP))) count++;
    CHECK(count < MANY);
    for (size_t size = STEP; size >= 16; size /= 2)
        while (malloc(size)) continue;
    char *kept = malloc(to);
    CHECK(kept == NULL || to < 16);
    CHECK(object = realloc(object, to));
    CHECK(intact(object, to, 7));
    for (size_t i = 0; i < count; i++) free(filler[i]);
    free(object);
    return 0;
}
