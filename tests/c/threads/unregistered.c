// Threads whose rseq area was unregistered: the kernel reports the CPU number -1 to them, they have no windows, and all their calls take the path of
// programs without rseq, beside threads that have windows. (With LARDER_CONF=percpu:cpu, because the numbers of mm_cid do not show it.)
// With the argument "alone" the only thread does so where slots go by mm_cid; the library must say that this is forbidden.
#include <sys/auxv.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include "threads.h"

enum { THREADS = 8, OBJECTS = 2000, ROUNDS = 200 };

static struct rseq *own_area(void) {
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void unregister(void) {
    if (__rseq_size == 0) return;
    CHECK(syscall(SYS_rseq, own_area(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0);
    CHECK((int)own_area()->cpu_id == RSEQ_CPU_ID_UNINITIALIZED);
}

static void *work(void *number) {
    uint64_t tag = (uintptr_t)number, state = tag + 1;
    static _Thread_local char *objects[OBJECTS];
    static _Thread_local size_t sizes[OBJECTS];
    if (tag % 2) unregister();
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < OBJECTS; i++) {
            if (objects[i]) {
                CHECK(intact(objects[i], sizes[i], tag));
                free(objects[i]);
            }
            sizes[i] = random_size(&state, 10);
            CHECK(objects[i] = malloc(sizes[i]));
            fill(objects[i], sizes[i], tag);
        }
    for (int i = 0; i < OBJECTS; i++) free(objects[i]);
    return NULL;
}

static int be_alone(void) {
    enum { RSEQ_FEATURE_SIZE = 27, MM_CID_END = 28 };
    if (__rseq_size == 0 || getauxval(RSEQ_FEATURE_SIZE) < MM_CID_END) return 77;
    free(malloc(1)); // the library finds the area
    work((void *)(uintptr_t)1);
    return 0;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc > 1 && strcmp(argv[1], "alone") == 0) return be_alone();
    start_all(threads, THREADS, work);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(threads[i], NULL));
    return 0;
}
