/* larder's own names, and its header in plain C. */
#include <larder.h>

#include "check.h"

int main(void) {
    unsigned major, minor, patch;
    CHECK(sscanf(larder_version(), "%u.%u.%u", &major, &minor, &patch) == 3);
    const char *mode = larder_mode();
    CHECK(strncmp(mode, "rseq by ", 8) == 0 || strncmp(mode, "fallback: ", 10) == 0);
    CHECK(strlen(mode) > 10);
    CHECK(strcmp(larder_mode(), mode) == 0 && larder_mode() == mode);
    const char *tunables = getenv("GLIBC_TUNABLES");
    if (tunables && strstr(tunables, "rseq=0")) CHECK(strncmp(mode, "fallback: ", 10) == 0);
    enum { SIZE = 40 << 20 };
    char *p = malloc(SIZE / 40);
    memset(p, 1, SIZE / 40);
    for (int i = 0; i < 39; i++) {
        char *q = malloc(SIZE / 40);
        memset(q, 1, SIZE / 40);
        free(p);
        p = q;
    }
    free(p);
    larder_trim(0);
    CHECK(larder_trim(0) < SIZE / 40);
    printf("%s %s\n", larder_version(), mode);
    return finish();
}
