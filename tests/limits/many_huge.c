// As many huge objects as larder has places for, none of them touched: the next one is refused, but existing ones can still grow, and nothing is lost.
#include <errno.h>
#include "churn.h"

enum { MOST = 1 << 17, MIB = 1 << 20 };

static char *grown(char *object, size_t size, size_t larger, uint64_t tag) {
    fill(object, size, tag);
    CHECK((object = realloc(object, larger)) != NULL);
    CHECK(intact(object, size, tag));
    return object;
}

int main(void) {
    static char *objects[MOST];
    int count = 0;
    must_run_on_library();
    char *large = malloc(MIB), *in_the_way = malloc(MIB);
    CHECK(large != NULL && in_the_way != NULL);
    errno = 0;
    while (count < MOST && (objects[count] = malloc((size_t)33 * MIB)) != NULL) count++;
    printf("%d huge objects\n", count);
    CHECK(count > 1 && count < MOST && errno == ENOMEM);
    large = grown(large, MIB, 3 * MIB, 1);
    objects[0] = grown(objects[0], (size_t)33 * MIB, (size_t)67 * MIB, 2);
    CHECK(malloc((size_t)33 * MIB) == NULL);
    free(objects[--count]);
    large = grown(large, 3 * MIB, 7 * MIB, 3);
    while (count > 0) free(objects[--count]);
    free(in_the_way);
    free(large);
    CHECK((large = malloc((size_t)33 * MIB)) != NULL);
    free(large);
    return 0;
}
