// follow HERE THERE: threads that run on node HERE set a memory policy for themselves. Prints how much of the memory that they then allocate lies where
// the policy says, and fails if that is too little:
//
//   bind        to THERE, by a bare system call: 99 % of the pages, of each of three sizes; all of the objects that are freed and allocated again
//   back        to no policy: 99 % on HERE
//   beside      a thread without a policy, meanwhile, on the same CPU: 99 % on HERE
//   told        larder was told at once: all of the first objects of each size
//   interleave  over both: each has half, give or take 2 %
#include <larder.h>
#include <pthread.h>
#include <stdatomic.h>
#include "policies.h"

enum { BYTES = 12 << 20, MOST_OBJECTS = BYTES / 100 + 1, FEW = 40, TURNS = 4000 };
static const size_t sizes[] = {100, 5000, 300000};
static int cpu, here, there;
static atomic_int over;

static double share_on(int node, char **objects, size_t count, size_t size) {
    size_t pages = 0, found = 0;
    for (size_t i = 0; i < count; i += size < PAGE ? PAGE / size : 1)
        for (size_t at = 0; at < size; at += PAGE, pages++) found += node_of(objects[i] + at) == node;
    return (double)found / (double)pages;
}

// Allocates, writes and frees `count` objects; returns the share of their pages that lies on a node.
static double share_of_new(int node, size_t count, size_t size) {
    char **objects = mmap(NULL, count * sizeof *objects, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(objects != MAP_FAILED);
    for (size_t i = 0; i < count; i++) {
        CHECK((objects[i] = malloc(size)) != NULL);
        fill(objects[i], size, i);
    }
    double share = share_on(node, objects, count, size);
    for (size_t i = 0; i < count; i++) {
        CHECK(intact(objects[i], size, i));
        free(objects[i]);
    }
    munmap(objects, count * sizeof *objects);
    return share;
}

// The smallest share of all sizes.
static double least_share_of_new(int node, size_t bytes) {
    double least = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double share = share_of_new(node, bytes ? bytes / sizes[i] : FEW, sizes[i]);
        least = share < least ? share : least;
    }
    return least;
}

static double taken_again(int node) {
    int found = 0;
    for (int i = 0; i < TURNS; i++) {
        char *object = malloc(100);
        *object = 1;
        found += i % 16 || node_of(object) == node;
        free(object);
    }
    return (double)found / TURNS;
}

static double result_of(void *(*work)(void *)) {
    double share = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, &share) == 0 && pthread_join(thread, NULL) == 0);
    return share;
}

static void *bound(void *share) {
    run_on(cpu);
    set_policy("bind", 1ul << there);
    *(double *)share = least_share_of_new(there, BYTES);
    CHECK(taken_again(there) == 1);
    return NULL;
}

static void *and_back(void *share) {
    bound(share);
    set_policy("default", 0);
    *(double *)share = least_share_of_new(here, BYTES);
    return NULL;
}

static void *beside(void *share) {
    double least = 1;
    run_on(cpu);
    while (!atomic_load(&over)) {
        double now = least_share_of_new(here, BYTES / 8);
        least = now < least ? now : least;
    }
    *(double *)share = least;
    return NULL;
}

static void *told(void *share) {
    run_on(cpu);
    set_policy("preferred", 1ul << there);
    CHECK(larder_follow_policy() == 1);
    *(double *)share = least_share_of_new(there, 0);
    return NULL;
}

static void *interleaved(void *share) {
    run_on(cpu);
    set_policy("interleave", 1ul << here | 1ul << there);
    *(double *)share = share_of_new(there, BYTES / 5000, 5000);
    return NULL;
}

static int cpu_on(int node) {
    int cpus[MOST_CPUS], count = list_cpus(cpus);
    for (int i = 0; i < count; i++) {
        unsigned found;
        run_on(cpus[i]);
        CHECK(getcpu(NULL, &found) == 0);
        if ((int)found == node) return cpus[i];
    }
    CHECK(!"a CPU on the node");
    return -1;
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    here = atoi(argv[1]), there = atoi(argv[2]), cpu = cpu_on(here);
    double other = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, beside, &other) == 0);
    double bind = result_of(bound), back = result_of(and_back);
    atomic_store(&over, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    double first = result_of(told), half = result_of(interleaved);
    printf("bind %.2f %%, back %.2f, beside %.2f, told %.2f, interleave %.2f\n", 100 * bind, 100 * back, 100 * other, 100 * first, 100 * half);
    return !(bind >= 0.99 && back >= 0.99 && other >= 0.99 && first == 1 && half >= 0.48 && half <= 0.52);
}
