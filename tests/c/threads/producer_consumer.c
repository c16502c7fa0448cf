// Pairs of threads: one allocates and fills, the other checks and frees.
#include "threads.h"

enum { PAIRS = 3, HANDED_OVER = 400000, ROOM = 256 };

struct object {
    size_t size;
    char bytes[];
};

struct queue {
    _Atomic(struct object *) slots[ROOM];
};

static struct queue queues[PAIRS];

static void *produce(void *pair) {
    struct queue *queue = &queues[(uintptr_t)pair];
    uint64_t state = (uintptr_t)pair + 1;
    for (int i = 0; i < HANDED_OVER; i++) {
        size_t size = random_size(&state, i % 500 ? 9 : 17);
        struct object *object = malloc(sizeof *object + size);
        CHECK(object);
        object->size = size;
        fill(object->bytes, size, i);
        while (atomic_load(&queue->slots[i % ROOM])) sched_yield();
        atomic_store(&queue->slots[i % ROOM], object);
    }
    return NULL;
}

static void *consume(void *pair) {
    struct queue *queue = &queues[(uintptr_t)pair];
    for (int i = 0; i < HANDED_OVER; i++) {
        struct object *object;
        while (!(object = atomic_exchange(&queue->slots[i % ROOM], NULL))) sched_yield();
        CHECK(intact(object->bytes, object->size, i));
        free(object);
    }
    return NULL;
}

int main(void) {
    pthread_t producers[PAIRS], consumers[PAIRS];
    start_all(producers, PAIRS, produce);
    start_all(consumers, PAIRS, consume);
    join_all(producers, PAIRS);
    join_all(consumers, PAIRS);
    return 0;
}
