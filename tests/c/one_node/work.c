/* One thread allocates and frees objects of all kinds, the same in every run; then prints the page faults so far and larder's figures. */
#include <larder.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pattern.h"

enum { LIVE = 2000, TURNS = 100000 };

static void pass_on(void *unused, const char *text, size_t length) {
    (void)unused;
    CHECK(write(STDOUT_FILENO, text, length) == (ssize_t)length);
}

int main(void) {
    static void *live[LIVE];
    struct rusage usage;
    uint64_t random = 7;
    for (int i = 0; i < TURNS; i++) {
        size_t place = next_random(&random) % LIVE, size = random_size(&random, i % 256 ? 12 : i % 4096 ? 20 : 26);
        free(live[place]);
        CHECK((live[place] = malloc(size)) != NULL);
        memset(live[place], 1, size < 9000 ? size : 9000);
    }
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    dprintf(STDERR_FILENO, "%ld\n", usage.ru_minflt);
    larder_stats_json(pass_on, NULL);
    return 0;
}
