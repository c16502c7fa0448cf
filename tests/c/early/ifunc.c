// An IFUNC resolver allocates: it runs while the program is being relocated, when environ is still NULL and no
// constructor has run. The runner links this with -z now.
#include <stdlib.h>
#include "pattern.h"

extern char **environ;

static void *early_object;
static int environ_was_null;

static int answer(void) { return 42; }

static int (*choose(void))(void) {
    environ_was_null = environ == NULL;
    early_object = malloc(100);
    free(malloc(50000));
    free(calloc(10, 10));
    return answer;
}

int chosen(void) __attribute__((ifunc("choose")));

int main(void) {
    CHECK(chosen() == 42);
    CHECK(environ_was_null);
    CHECK(early_object);
    CHECK(early_object = realloc(early_object, 10000));
    free(early_object);
    return 0;
}
