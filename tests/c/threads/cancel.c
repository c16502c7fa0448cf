// malloc, free and realloc are not cancellation points: a thread with a pending cancel gets through all of them.
#include <errno.h>
#include "threads.h"

enum { THREADS = 20, STEPS = 3000 };

static atomic_int reached_end;

static void allocate_everything(uint64_t seed) {
    uint64_t state = seed + 1;
    for (int i = 0; i < STEPS; i++) {
        size_t size = random_size(&state, 23);
        char *object = i % 2 ? malloc(size) : calloc(1, size);
        CHECK(object);
        CHECK(object = realloc(object, size * 2));
        object[size * 2 - 1] = 1;
        free(object);
    }
    CHECK(malloc((size_t)-1 / 2) == NULL && errno == ENOMEM);
}

static void *with_cancel_pending(void *number) {
    pthread_cancel(pthread_self());
    allocate_everything((uintptr_t)number);
    atomic_fetch_add(&reached_end, 1);
    pthread_testcancel();
    CHECK(!"cancelled by now");
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    void *result;
    start_all(threads, THREADS, with_cancel_pending);
    for (int i = 0; i < THREADS; i++) {
        CHECK(!pthread_join(threads[i], &result));
        CHECK(result == PTHREAD_CANCELED);
    }
    CHECK(atomic_load(&reached_end) == THREADS);
    return 0;
}
