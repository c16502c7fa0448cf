// The heap works until the end of a thread and of the process: in destructors of thread-local variables, in all rounds of
// key destructors, in atexit handlers and in library destructors.
#include "threads.h"

enum { THREADS = 200 };

extern int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library);
extern void *__dso_handle;

static pthread_key_t key;
static atomic_int key_rounds, tls_destroyed;
static void *kept_for_exit;

static void use_heap(void) {
    for (size_t size = 8; size < 1 << 20; size *= 4) {
        void *object = malloc(size);
        CHECK(object);
        fill(object, size, size);
        CHECK(intact(object, size, size));
        free(object);
    }
}

// Sets the key again as long as the system promises another round.
static void destroy_key(void *object) {
    CHECK(intact(object, 100, 1));
    free(object);
    use_heap();
    if (atomic_fetch_add(&key_rounds, 1) % 4 == 3) return;
    CHECK(object = malloc(100));
    fill(object, 100, 1);
    pthread_setspecific(key, object);
}

static void destroy_tls(void *object) {
    CHECK(intact(object, 200, 2));
    free(object);
    use_heap();
    atomic_fetch_add(&tls_destroyed, 1);
}

static void *leave_work_for_the_end(void *unused) {
    void *by_key = malloc(100), *by_tls = malloc(200);
    CHECK(by_key && by_tls);
    fill(by_key, 100, 1);
    fill(by_tls, 200, 2);
    CHECK(!pthread_setspecific(key, by_key));
    CHECK(!__cxa_thread_atexit_impl(destroy_tls, by_tls, &__dso_handle));
    return unused;
}

static void at_exit(void) {
    use_heap();
    kept_for_exit = realloc(kept_for_exit, 5000);
    CHECK(kept_for_exit);
}

__attribute__((destructor)) static void after_exit(void) {
    free(kept_for_exit);
    use_heap();
}

int main(void) {
    pthread_t thread;
    CHECK(kept_for_exit = malloc(10));
    CHECK(!atexit(at_exit));
    CHECK(!pthread_key_create(&key, destroy_key));
    for (int i = 0; i < THREADS; i++) run_all(&thread, 1, leave_work_for_the_end);
    CHECK(atomic_load(&key_rounds) == THREADS * 4 && atomic_load(&tls_destroyed) == THREADS);
    return 0;
}
