// cross KIND LEAST [moving]: a thread on every CPU allocates objects, uses them, and puts them on a common shelf, from which it takes another
// thread's object and frees it. So nearly every object is freed by another thread than the one that allocated it. With `moving`, threads move to
// another CPU every so often.
//
// The kernel is asked where each new object lies. Prints the percentage that lay on the node of the thread that got them, and fails if this is
// less than LEAST, or if the contents of an object are not those that were written. The first long object that is not at home is reported: if a
// node was full, this is a fault of the machine and not of the allocator.
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include "pages.h"

enum { SMALL = 32 << 10, MOST_BATCH = 64, MOST_SHELF = 4096, MOST_PAGES = 64 };

struct kind {
    const char *name;
    size_t least, most;
    int rounds, batches, batch, shelf;
};
static const struct kind kinds[] = {
    {"small", 16, SMALL, 8, 16, 64, 4096},
    {"large", 33 << 10, 2 << 20, 8, 2, 8, 48},
    {"huge", 33 << 20, 34 << 20, 2, 1, 1, 4},
};

struct object {
    size_t size;
    uint64_t tag;
    char rest[];
};

struct worker {
    pthread_t thread;
    int number;
    long objects;
    double at_home;
};

static const struct kind *kind;
static int moving, cpus[MOST_CPUS], cpu_count;
static _Atomic(struct object *) shelf[MOST_SHELF];

// A random size; each halving of the largest size is equally likely.
static size_t some_size(uint64_t *random) {
    size_t most = kind->most;
    for (uint64_t halves = next_random(random) % 12; halves > 0 && most / 2 > kind->least; halves--) most /= 2;
    return kind->least + next_random(random) % (most - kind->least + 1);
}

static struct object *make(uint64_t *random) {
    size_t size = some_size(random);
    struct object *object = malloc(size);
    CHECK(object != NULL);
    *object = (struct object){.size = size, .tag = next_random(random)};
    fill(object->rest, size - sizeof *object, object->tag);
    return object;
}

static void unmake(struct object *object) {
    if (object) CHECK(intact(object->rest, object->size - sizeof *object, object->tag));
    free(object);
}

// Reports where the pages lie, and how much memory the home nodes have left.
static void tell_once(const int *nodes, int count, uint64_t home) {
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&told)) return;
    fprintf(stderr, "at home %#" PRIx64 ", pages on", home);
    for (int i = 0; i < count; i++) fprintf(stderr, " %d", nodes[i]);
    fprintf(stderr, "\n");
    for (int node = 0; node < MOST_NODES; node++)
        if (home >> node & 1) fprintf(stderr, "node %d has %zu KiB left\n", node, bytes_of_node(node, "MemFree") >> 10);
}

// The fraction of the object that lies at home: 0 or 1 for a small object, the share of its pages for a long one.
static double share_at_home(struct object *object, uint64_t home) {
    void *pages[MOST_PAGES + 2];
    int nodes[MOST_PAGES + 2], count = 0, good = 0;
    char *end = (char *)object + object->size;
    size_t step = (object->size / MOST_PAGES / PAGE + 1) * PAGE;
    for (char *at = (char *)object; at < end; at += step) pages[count++] = at;
    pages[count++] = end - 1;
    nodes_of((size_t)count, pages, nodes);
    for (int i = 0; i < count; i++) good += nodes[i] >= 0 && home >> nodes[i] & 1;
    if (object->size > SMALL && good < count) tell_once(nodes, count, home);
    return object->size <= SMALL ? good == count : (double)good / count;
}

static void one_batch(struct worker *self, uint64_t home, uint64_t *random) {
    struct object *objects[MOST_BATCH];
    for (int i = 0; i < kind->batch; i++) objects[i] = make(random);
    for (int i = 0; i < kind->batch; i++) self->at_home += share_at_home(objects[i], home);
    for (int i = 0; i < kind->batch; i++) unmake(atomic_exchange(&shelf[next_random(random) % (size_t)kind->shelf], objects[i]));
    self->objects += kind->batch;
}

static void *work(void *argument) {
    struct worker *self = argument;
    uint64_t random = 0x9e3779b97f4a7c15u * (uint64_t)(self->number + 1);
    for (int round = 0; round < kind->rounds; round++) {
        run_on(cpus[(self->number + (moving ? round : 0)) % cpu_count]);
        uint64_t home = home_nodes();
        for (int i = 0; i < kind->batches; i++) one_batch(self, home, &random);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0) kind = &kinds[i];
    CHECK(kind != NULL);
    moving = argc > 3;
    cpu_count = list_cpus(cpus);

    static struct worker workers[MOST_CPUS];
    long objects = 0;
    double at_home = 0;
    for (int i = 0; i < cpu_count; i++) {
        workers[i].number = i;
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < cpu_count; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        objects += workers[i].objects;
        at_home += workers[i].at_home;
    }
    for (int i = 0; i < kind->shelf; i++) unmake(shelf[i]);
    printf("%.2f %% of %ld at home\n", 100 * at_home / (double)objects, objects);
    return 100 * at_home < atof(argv[2]) * (double)objects;
}
