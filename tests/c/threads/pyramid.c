// A pyramid of threads: each starts two more, and frees what its children (and theirs) allocated.
#include "threads.h"

enum { LEVELS = 7, OBJECTS = 300, ROUNDS = 4 };

struct layer {
    int depth;
    void *mine[OBJECTS];
    struct layer *below[2];
};

static size_t size_of(int depth, int i) { return 1 + (depth * 977 + i * 61) % 4000; }

static void release(struct layer *layer) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(intact(layer->mine[i], size_of(layer->depth, i), i));
        free(layer->mine[i]);
    }
    free(layer);
}

static void *build_layer(void *argument) {
    struct layer *layer = argument;
    pthread_t threads[2];
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(layer->mine[i] = malloc(size_of(layer->depth, i)));
        fill(layer->mine[i], size_of(layer->depth, i), i);
    }
    if (layer->depth == 0) return NULL;
    for (int i = 0; i < 2; i++) {
        CHECK(layer->below[i] = calloc(1, sizeof *layer));
        layer->below[i]->depth = layer->depth - 1;
        CHECK(!pthread_create(&threads[i], NULL, build_layer, layer->below[i]));
    }
    join_all(threads, 2);
    for (int i = 0; i < 2; i++) release(layer->below[i]);
    return NULL;
}

int main(void) {
    for (int round = 0; round < ROUNDS; round++) {
        struct layer *top = calloc(1, sizeof *top);
        CHECK(top);
        top->depth = LEVELS - 1;
        build_layer(top);
        release(top);
    }
    return 0;
}
