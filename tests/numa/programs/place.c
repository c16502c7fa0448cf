// place MIB SIZE RULE [N|in-turn]: allocates MIB MiB in objects of SIZE bytes, on node N, on all nodes in turn, or without naming a node; fills them,
// and asks the kernel where they lie. Prints the percentage of each node. Fails if an object cannot be allocated or does not keep its
// contents, if larder believes that it lies elsewhere, or if the rule is broken:
//
//   only N[,M…]    at least 99 % lie there
//   even N,M[,…]   each of them has its share, give or take 2 %
//   beyond N[,M…]  more than half of the memory of each node is in use for the objects, and the rest lies elsewhere. Of nine in ten objects larder
//                  knows where they lie: because the program has another thread, larder has noticed that the node is full
#include <inttypes.h>
#include <larder.h>
#include <pthread.h>
#include "pages.h"

enum { MOST_OBJECTS = 1 << 21, SOME_PAGES = 1024 };
static char *objects[MOST_OBJECTS];
static size_t size, count, pages_on[MOST_NODES], pages_all;

static char *new_object(const char *of) {
    if (!of) return malloc(size);
    return strcmp(of, "in-turn") == 0 ? larder_malloc_interleaved(size) : larder_malloc_onnode(size, atoi(of));
}

static void take(const char *of) {
    for (size_t i = 0; i < count; i++) {
        CHECK((objects[i] = new_object(of)) != NULL);
        fill(objects[i], size, i);
    }
}

// The pages to ask about, and how many consecutive objects begin on each.
static void *pages[SOME_PAGES];
static size_t rows[SOME_PAGES], pages_waiting;

static void count_pages(void) {
    static int nodes[SOME_PAGES];
    nodes_of(pages_waiting, pages, nodes);
    for (size_t i = 0; i < pages_waiting; i++) {
        CHECK(nodes[i] >= 0 && nodes[i] < MOST_NODES);
        pages_on[nodes[i]] += rows[i];
        pages_all += rows[i];
    }
    pages_waiting = 0;
}

static void count_page(void *page) {
    if (pages_waiting > 0 && pages[pages_waiting - 1] == page) {
        rows[pages_waiting - 1]++;
        return;
    }
    if (pages_waiting == SOME_PAGES) count_pages();
    pages[pages_waiting] = page, rows[pages_waiting++] = 1;
}

static void look(void) {
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < size; at += PAGE) count_page((void *)((uintptr_t)(objects[i] + at) / PAGE * PAGE));
    count_pages();
}

// Whether larder is right about this many of a hundred objects.
static int larder_knows(double percent) {
    size_t asked = 0, right = 0;
    for (size_t i = 0; i < count; i += count / SOME_PAGES + 1, asked++) right += larder_node_of(objects[i]) == node_of(objects[i]);
    printf("known: %.1f %%\n", 100.0 * (double)right / (double)asked);
    fflush(stdout);
    return 100 * (double)right >= percent * (double)asked;
}

static void *nothing(void *unused) { return unused; }

// From now on, this program has threads as far as libc knows.
static void not_alone(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

static void give_back(void) {
    for (size_t i = 0; i < count; i++) {
        CHECK(intact(objects[i], size, i));
        free(objects[i]);
    }
}

static double percent(int node) { return 100.0 * (double)pages_on[node] / (double)pages_all; }

static void print(void) {
    for (int node = 0; node < MOST_NODES; node++)
        if (pages_on[node]) printf("node %d: %.1f %%  ", node, percent(node));
    fflush(stdout);
}

// The fraction of the node's memory that these pages are.
static double filled(int node) { return (double)pages_on[node] * PAGE / (double)bytes_of_node(node, "MemTotal"); }

static int obeys(const char *rule, char *list) {
    double sum = 0, least = 100, most = 0, full = 1;
    int nodes = 0;
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ","), nodes++) {
        double share = percent(atoi(name));
        sum += share;
        least = share < least ? share : least;
        most = share > most ? share : most;
        full = filled(atoi(name)) < full ? filled(atoi(name)) : full;
    }
    if (strcmp(rule, "only") == 0) return sum >= 99;
    if (strcmp(rule, "even") == 0) return sum >= 99 && least >= 100.0 / nodes - 2 && most <= 100.0 / nodes + 2;
    CHECK(strcmp(rule, "beyond") == 0);
    return full > 0.5 && sum < 100;
}

int main(int argc, char **argv) {
    CHECK(argc == 5 || argc == 6);
    size = strtoumax(argv[2], NULL, 10);
    count = (strtoumax(argv[1], NULL, 10) << 20) / size;
    CHECK(size >= 8 && count > 0 && count <= MOST_OBJECTS);
    int beyond = strcmp(argv[3], "beyond") == 0;
    if (beyond) not_alone();
    take(argv[5]);
    look();
    print();
    int good = obeys(argv[3], argv[4]), known = larder_knows(beyond ? 90 : 99);
    CHECK(known);
    give_back();
    return !good;
}
