// kept MIB: where the process may have MIB MiB of data, the memory that is kept of freed arrays must not make the next array fail.
#include <stdlib.h>
#include "churn.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    size_t most = strtoul(argv[1], NULL, 10) << 20, size = most / 5 * 2;
    for (int i = 0; i < 5; i++) {
        char *array = malloc(size);
        CHECK(array != NULL);
        for (size_t at = 0; at < size; at += 4096) ((volatile char *)array)[at] = 1;
        free(array);
    }
    char *aligned = aligned_alloc(1 << 16, most / 5 * 4);
    CHECK(aligned != NULL);
    aligned[0] = 1;
    free(aligned);
    return 0;
}
