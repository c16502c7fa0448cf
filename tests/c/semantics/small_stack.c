/* A thread with the smallest stack can ask for every report. */
#include <fcntl.h>
#include <larder.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>

#include "check.h"

static FILE *nowhere;

static void drop(void *arg, const char *text, size_t length) { (void)arg, (void)text, (void)length; }

static void *narrow(void *arg) { return mallinfo().arena > 0 ? arg : NULL; }
static void *wide(void *arg) { return mallinfo2().arena > 0 ? arg : NULL; }
static void *table(void *arg) { return malloc_stats(), arg; }
static void *xml(void *arg) { return malloc_info(0, nowhere) == 0 ? arg : NULL; }
static void *json(void *arg) { return larder_stats_json(drop, NULL), arg; }
static void *maps(void *arg) { return larder_numa_maps(nowhere) == 0 ? arg : NULL; }
static void *migrate(void *arg) { return larder_migrate_pages(0, 0, NULL) == 0 || errno != EINVAL ? arg : NULL; }
static void *trim(void *arg) { return malloc_trim(0), arg; }

int main(void) {
    void *(*const calls[])(void *) = {narrow, wide, table, xml, json, maps, migrate, trim};
    nowhere = fopen("/dev/null", "w");
    free(malloc(100));
    int kept = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        void *result = NULL;
        pthread_attr_init(&attributes);
        CHECK(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
        CHECK(pthread_create(&thread, &attributes, calls[i], &nowhere) == 0);
        pthread_join(thread, &result);
        CHECK(result == &nowhere);
    }
    dup2(kept, 2);
    return finish();
}
