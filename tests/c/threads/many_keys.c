// Keys past the first 32 make pthread_setspecific itself allocate, in threads that start and end all the time; so do
// the error texts that the C library frees after all destructors.
#include <dlfcn.h>
#include "threads.h"

enum { KEYS = 200, THREADS = 1000, AT_ONCE = 20 };

static pthread_key_t keys[KEYS];

static void *set_all(void *unused) {
    for (int i = 0; i < KEYS; i++) {
        void *object = malloc(i + 1);
        CHECK(object && !pthread_setspecific(keys[i], object));
    }
    CHECK(strlen(strerror(12345)) > 0);
    CHECK(!dlopen("/no/such/library.so", RTLD_NOW));
    return unused;
}

int main(void) {
    pthread_t threads[AT_ONCE];
    for (int i = 0; i < KEYS; i++) CHECK(!pthread_key_create(&keys[i], free));
    for (int i = 0; i < THREADS; i += AT_ONCE) run_all(threads, AT_ONCE, set_all);
    return 0;
}
