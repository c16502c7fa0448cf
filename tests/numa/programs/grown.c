// grown: an object that grows by realloc until it is a mapping of its own is not bound to the node where it began: pages that a thread of another node
// touches first lie on that node, as with malloc.
#include <pthread.h>
#include "pages.h"

enum { SMALL = 2 << 20, LARGE = 64 << 20 };

static char *object;

static void *touch_the_rest(void *cpu) {
    run_on(*(int *)cpu);
    for (size_t at = LARGE / 2; at < LARGE; at += PAGE) object[at] = 1;
    return NULL;
}

int main(void) {
    int cpus[MOST_CPUS], count = list_cpus(cpus), elsewhere = 0, there = 0;
    pthread_t thread;
    run_on(cpus[count - 1]);
    int other = own_node();
    run_on(cpus[0]);
    CHECK(other != own_node());
    object = memset(malloc(SMALL), 1, SMALL);
    void *in_the_way = malloc(SMALL);
    object = realloc(object, LARGE);
    CHECK(in_the_way && object);
    CHECK(pthread_create(&thread, NULL, touch_the_rest, &cpus[count - 1]) == 0 && pthread_join(thread, NULL) == 0);
    for (size_t at = LARGE / 2; at < LARGE; at += 16 * PAGE) ++*(node_of(object + at) == other ? &there : &elsewhere);
    printf("%d of %d pages where they were touched first\n", there, there + elsewhere);
    return there < 9 * elsewhere;
}
