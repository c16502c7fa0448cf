// churn THREADS MIB: runs THREADS threads, each with at most MIB MiB.
#include <pthread.h>
#include "churn.h"

static size_t limit;

static void *one(void *seed) {
    churn((uint32_t)(uintptr_t)seed, limit, 3000);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    must_run_on_library();
    pthread_t threads[16];
    int count = atoi(argv[1]);
    CHECK(count > 0 && count <= 16);
    limit = (size_t)atoi(argv[2]) << 20;
    for (int i = 0; i < count; i++) CHECK(pthread_create(&threads[i], NULL, one, (void *)(uintptr_t)(i + 1)) == 0);
    for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
