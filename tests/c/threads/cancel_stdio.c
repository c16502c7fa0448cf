// Threads are cancelled inside stdio, at any of its cancellation points, while others allocate.
#include <stdlib.h>
#include "threads.h"

enum { LOADERS = 3, ROUNDS = 1500 };

static atomic_int stop;

static void *allocate(void *number) {
    uint64_t state = (uintptr_t)number + 1;
    while (!atomic_load(&stop)) {
        size_t size = random_size(&state, 16);
        void *object = malloc(size);
        CHECK(object);
        fill(object, size, size);
        CHECK(intact(object, size, size));
        free(object);
    }
    return NULL;
}

static void release(void *object) { free(object); }
static void close_file(void *file) { fclose(file); }

static void *write_for_ever(void *unused) {
    FILE *file = fopen("/dev/null", "w");
    CHECK(file);
    pthread_cleanup_push(close_file, file);
    for (;;) {
        void *object = malloc(300);
        pthread_cleanup_push(release, object);
        fprintf(file, "%s %d\n", "some text", 42);
        fflush(file);
        pthread_cleanup_pop(1);
    }
    pthread_cleanup_pop(1);
    return unused;
}

int main(void) {
    pthread_t loaders[LOADERS], writer;
    start_all(loaders, LOADERS, allocate);
    for (int i = 0; i < ROUNDS; i++) {
        void *result;
        CHECK(!pthread_create(&writer, NULL, write_for_ever, NULL));
        if (i % 3) usleep(i % 7 * 20);
        pthread_cancel(writer);
        CHECK(!pthread_join(writer, &result));
        CHECK(result == PTHREAD_CANCELED);
    }
    atomic_store(&stop, 1);
    join_all(loaders, LOADERS);
    return 0;
}
