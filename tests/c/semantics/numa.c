/* larder's own names for NUMA, on a machine of any number of nodes. */
#include <errno.h>
#include <larder.h>
#include <malloc.h>

#include "check.h"

enum { NO_NODE = 1000, MIB = 1 << 20 };

/* The first node with memory. */
static int some_node(void) {
    char word[16] = "0";
    FILE *file = fopen("/sys/devices/system/node/has_memory", "r");
    if (file && !fgets(word, sizeof word, file)) word[0] = '0';
    if (file) fclose(file);
    return atoi(word);
}

static void on_a_node(int node) {
    for (size_t size = 0; size < 100 * MIB; size = size * 3 + 1) {
        char *p = larder_malloc_onnode(size, node), *x = mallocx(size + 1, MALLOCX_NODE(node) | MALLOCX_ALIGN(256) | MALLOCX_ZERO);
        CHECK(p && x && is_aligned(p, 16) && is_aligned(x, 256) && malloc_usable_size(p) >= size);
        CHECK(all_zero(x, sallocx(x, 0)));
        fill(p, size, 1);
        fill(x, size, 2);
        if (size > 0) CHECK(larder_node_of(p) == node && larder_node_of(x) == node);
        p = realloc(p, size + 5000);
        x = rallocx(x, 3 * size + 1, MALLOCX_NODE(node));
        CHECK(p && x && filled(p, size, 1) && filled(x, size, 2));
        free(p);
        dallocx(x, 0);
    }
}

static void interleaved(void) {
    for (size_t size = 0; size < 100 * MIB; size = size * 5 + 1) {
        char *p = larder_malloc_interleaved(size);
        CHECK(p);
        fill(p, size, 3);
        if (size > 0) CHECK(larder_node_of(p) >= 0);
        CHECK(filled(p, size, 3));
        free(p);
    }
}

static void nodes_that_do_not_exist(void) {
    const int wrong[] = {-1, NO_NODE, 4711, 1 << 30};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        errno = 0;
        CHECK(larder_malloc_onnode(10, wrong[i]) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(larder_migrate_pages(wrong[i], some_node(), NULL) == -1 && errno == EINVAL);
        CHECK(larder_migrate_pages(some_node(), wrong[i], NULL) == -1 && errno == EINVAL);
    }
    errno = 0;
    CHECK(mallocx(10, MALLOCX_NODE(NO_NODE)) == NULL && mallocx(10, MALLOCX_NODE(-1)) == NULL && errno == 0);
    char *p = malloc(10);
    CHECK(rallocx(p, 10000, MALLOCX_NODE(NO_NODE)) == NULL);
    free(p);
    int local;
    CHECK(larder_node_of(&local) == -1 && larder_node_of(NULL) == -1);
}

static void sizes_that_cannot_be(int node) {
    errno = 0;
    CHECK(larder_malloc_onnode((size_t)-1, node) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(larder_malloc_interleaved(PTRDIFF_MAX) == NULL && errno == ENOMEM);
}

/* Migrates pages to the node where they are: nothing moves, and every page is accounted for. */
static void migrating_nowhere(int node) {
    enum { SIZE = 2 * MIB };
    char *p = larder_malloc_onnode(SIZE, node);
    fill(p, SIZE, 4);
    struct larder_migration result = {.moved = 99};
    CHECK(larder_migrate_pages(node, node, &result) == 0);
    CHECK(result.present >= SIZE / 4096 && result.moved + result.refused == 0);
    CHECK(result.there_already == result.present && filled(p, SIZE, 4));
    free(p);
}

static void listing(void) {
    char line[512];
    FILE *file = tmpfile();
    CHECK(file && larder_numa_maps(file) == 0);
    rewind(file);
    CHECK(fgets(line, sizeof line, file) && strstr(line, " committed=") && strstr(line, " sampled="));
    fclose(file);
}

/* Policies are followed if there are several nodes, unless the system does not report the policy. */
static void following(void) {
    char line[16] = "";
    FILE *file = fopen("/sys/devices/system/node/has_memory", "r");
    if (file && !fgets(line, sizeof line, file)) line[0] = 0;
    if (file) fclose(file);
    int several = strpbrk(line, "-,") != NULL, followed = larder_follow_policy();
    CHECK(followed == 0 || (followed == 1 && several));
}

int main(void) {
    int node = some_node();
    on_a_node(node);
    interleaved();
    nodes_that_do_not_exist();
    sizes_that_cannot_be(node);
    migrating_nowhere(node);
    listing();
    following();
    return finish();
}
