// charged LIMIT: with limit_mib:LIMIT. Charges for objects that then could not be allocated come back, and so do charges for objects that have shrunk.
// Objects that have moved into mappings of their own count as before. An object that grows there gets the free memory, in whole huge pages if it is
// filled.
#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>
#include "churn.h"
#include "status.h"

enum { MIB = 1 << 20, TIMES = 8 };

static size_t limit;

static void must_have_room(void) {
    void *object = malloc(limit / 8 * 7);
    CHECK(object != NULL);
    free(object);
}

static void refused_by_the_system(void) {
    struct rlimit addresses;
    void *mapping = malloc(limit / 4), *run = malloc(8 * MIB);
    CHECK(mapping != NULL && run != NULL && getrlimit(RLIMIT_AS, &addresses) == 0);
    struct rlimit few = {16 * MIB, addresses.rlim_max};
    CHECK(setrlimit(RLIMIT_AS, &few) == 0);
    for (int i = 0; i < TIMES; i++) {
        errno = 0;
        CHECK(malloc(limit / 2) == NULL && errno == ENOMEM);
        CHECK(realloc(mapping, limit / 2) == NULL);
        CHECK(realloc(run, limit / 2) == NULL);
    }
    CHECK(setrlimit(RLIMIT_AS, &addresses) == 0);
    free(mapping);
    free(run);
}

static void shrunk(void) {
    for (int i = 0; i < TIMES; i++) {
        void *object = malloc(limit / 2), *less = realloc(object, limit / 8);
        CHECK(object != NULL && less != NULL);
        free(less);
    }
}

static void moved(void) {
    enum { RUN = 12 * MIB, MAPPING = 40 * MIB, MOST = 64 };
    void *held[MOST], *object;
    size_t count = 0;
    while ((object = malloc(RUN)) != NULL && (held[count] = realloc(object, MAPPING)) != NULL) CHECK(++count < MOST);
    CHECK(count * MAPPING <= limit && count >= 2);
    free(object);
    while (count > 0) free(held[--count]);
}

// Free memory is gathered first, because there is no room for a copy.
static void grown(void) {
    enum { SMALL = 3000, MOST = 1 << 16 };
    static void *few[MOST];
    size_t count = limit / 4 / SMALL;
    void *object = malloc(limit / 8 * 5);
    CHECK(object != NULL && count <= MOST);
    for (size_t i = 0; i < count; i++) CHECK((few[i] = malloc(SMALL)) != NULL);
    for (size_t i = 0; i < count; i++) free(few[i]);
    CHECK((object = realloc(object, limit / 16 * 15)) != NULL);
    free(object);
}

// An object that is filled as it grows has whole huge pages, as far as the limit allows, and they count once.
static void filled(void) {
    for (int i = 0; i < TIMES; i++) {
        size_t size = 4 * MIB, before = 0, step;
        char *object = malloc(size), *grown;
        CHECK(object != NULL);
        for (grown = object; grown != NULL; grown = realloc(object, size)) {
            object = grown;
            memset(object + before, 1, size - before);
            before = size;
            step = size / 16;
            size += step;
        }
        CHECK(size > limit - step && malloc_usable_size(object) <= limit);
        free(object);
    }
}

// Some memory of filled arrays is kept; it must be available to other objects, also to those that are too short to be arrays.
static void kept(void) {
    enum { RUN = 4 * MIB, MOST = 64 };
    void *held[MOST];
    size_t count = limit / 16 * 15 / RUN;
    CHECK(count <= MOST);
    for (int i = 0; i < 4; i++) {
        void *array = malloc(limit / 4);
        CHECK(array != NULL);
        memset(array, 1, limit / 4);
        free(array);
    }
    for (size_t i = 0; i < count; i++) CHECK((held[i] = malloc(RUN)) != NULL);
    while (count > 0) free(held[--count]);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    must_run_on_library();
    limit = strtoul(argv[1], NULL, 10) * MIB;
    must_have_room();
    refused_by_the_system();
    must_have_room();
    shrunk();
    must_have_room();
    moved();
    must_have_room();
    grown();
    must_have_room();
    filled();
    must_have_room();
    kept();
    must_have_room();
    return 0;
}
