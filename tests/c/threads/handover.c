// One thread only allocates, another only frees, ten million objects: memory must come back to the first.
#include "threads.h"

enum { BATCHES = 10000, BATCH = 1000, ROOM = 4, MOST_KIB = 64 << 10 };

static _Atomic(void **) slots[ROOM];

static void *produce(void *unused) {
    for (int i = 0; i < BATCHES; i++) {
        void **batch = malloc(BATCH * sizeof *batch);
        CHECK(batch);
        for (int j = 0; j < BATCH; j++) {
            CHECK(batch[j] = malloc(16 + (i + j) % 8 * 16));
            *(int *)batch[j] = j;
        }
        while (atomic_load(&slots[i % ROOM])) sched_yield();
        atomic_store(&slots[i % ROOM], batch);
    }
    return unused;
}

static void consume(void) {
    for (int i = 0; i < BATCHES; i++) {
        void **batch;
        while (!(batch = atomic_exchange(&slots[i % ROOM], NULL))) sched_yield();
        for (int j = 0; j < BATCH; j++) {
            CHECK(*(int *)batch[j] == j);
            free(batch[j]);
        }
        free(batch);
        if (i % 1000 == 999) CHECK(resident_kib() < MOST_KIB);
    }
}

int main(void) {
    pthread_t producer;
    start_all(&producer, 1, produce);
    consume();
    join_all(&producer, 1);
    return 0;
}
