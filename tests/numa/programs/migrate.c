// migrate FROM TO [SOME]: fills objects of many sizes on node FROM, one of them with a mapping of its own, and an interleaved one; makes larder
// move them to node TO, and asks the kernel where they lie. Fails if fewer than 99 % of their pages arrived there, if 1 % of the interleaved one
// is still on FROM, if larder's counts differ or report more than one page in a thousand as busy, if contents changed, or if objects that are
// allocated later do not lie on FROM again. SOME: TO is too small for all pages, and larder must report how many did not fit.
#include <larder.h>
#include "pages.h"

enum { SOME = 112 << 20, ALL = 64 << 20, HUGE = 34 << 20, SPREAD = 8 << 20, MOST_OBJECTS = 1 << 16 };
static char *objects[MOST_OBJECTS];
static size_t sizes[MOST_OBJECTS], count;

static void take(int node, size_t all, size_t huge) {
    uint64_t random = 42;
    for (size_t bytes = 0; bytes < all + huge; bytes += sizes[count++]) {
        CHECK(count < MOST_OBJECTS);
        sizes[count] = huge && count == 0 ? huge : random_size(&random, 22);
        CHECK((objects[count] = larder_malloc_onnode(sizes[count], node)) != NULL);
        fill(objects[count], sizes[count], count);
    }
}

static void count_on(int node, char *object, size_t size, long *pages, long *there) {
    for (size_t at = 0; at < size; at += PAGE, ++*pages) *there += node_of(object + at) == node;
}

static double share_on(int node) {
    long pages = 0, there = 0;
    for (size_t i = 0; i < count; i++) count_on(node, objects[i], sizes[i], &pages, &there);
    return (double)there / (double)pages;
}

static double share_of(char *object, size_t size, int node) {
    long pages = 0, there = 0;
    count_on(node, object, size, &pages, &there);
    return (double)there / (double)pages;
}

static void give_back(void) {
    while (count-- > 0) {
        CHECK(intact(objects[count], sizes[count], count));
        free(objects[count]);
    }
    count = 0;
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    int from = atoi(argv[1]), to = atoi(argv[2]), some = argc > 3;
    struct larder_migration moved;
    size_t all = some ? SOME : ALL;
    take(from, all, some ? 0 : HUGE);
    char *spread = larder_malloc_interleaved(SPREAD);
    fill(spread, SPREAD, 77);
    CHECK(share_on(from) >= 0.99 && share_of(spread, SPREAD, from) > 0.1);
    CHECK(larder_migrate_pages(from, to, &moved) == 0);
    double came = share_on(to), huge = share_of(objects[0], sizes[0], to), stayed = share_of(spread, SPREAD, from);
    printf("%.2f %% came (huge %.2f), %.2f of interleaved stayed, moved %zu of %zu pages, no memory for %zu, busy %zu\n", 100 * came,
           100 * huge, 100 * stayed, moved.moved, moved.present, moved.no_memory, moved.busy);
    fflush(stdout);
    CHECK(moved.present >= all / PAGE && moved.busy * 1000 <= moved.present);
    CHECK(moved.present == moved.moved + moved.there_already + moved.busy + moved.no_memory + moved.shared + moved.refused);
    if (some) CHECK(came > 0.1 && came < 0.99 && moved.no_memory > 0);
    else CHECK(came >= 0.99 && huge >= 0.99 && stayed < 0.01 && (double)moved.moved >= 0.99 * (double)(moved.present - moved.there_already));
    CHECK(intact(spread, SPREAD, 77));
    free(spread);
    give_back();
    larder_trim(0);
    take(from, all, 0);
    double later = share_on(from);
    if (later < 0.99) printf("later %.2f %%, %.2f on the other; free there %zu MiB\n", 100 * later, 100 * share_on(to), bytes_of_node(from, "MemFree") >> 20);
    CHECK(later >= 0.99);
    give_back();
}
