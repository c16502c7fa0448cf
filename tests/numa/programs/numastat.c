// numastat: makes a known number of requests on each node with CPUs, and reads larder's counters for them from its JSON: every request must count for
// the right node, and all must add up. The objects are large, so that each is one request. Finally checks each node's line of larder_numa_maps: its
// pages must lie on the node. Prints how many counters were compared.
#include <larder.h>
#include "pages.h"

enum { SIZE = 300 << 10, COUNT = 200, ARENAS = MOST_NODES + 2, KINDS = 7 };
static const char *const kinds[KINDS] = {"numa_hit",   "numa_miss",  "numa_foreign", "interleave_hit",
                                         "local_node", "other_node", "remote_free"};
enum { HIT, MISS, FOREIGN, INTERLEAVE, LOCAL, OTHER, REMOTE_FREE };

// Indexed by the kernel's number of the node.
struct figures {
    long of[MOST_NODES][KINDS];
};

static char json[1 << 18];
static size_t json_length;
static int compared, is_node[MOST_NODES];

static void append(void *unused, const char *text, size_t length) {
    (void)unused;
    CHECK(json_length + length < sizeof json);
    memcpy(json + json_length, text, length);
    json[json_length += length] = '\0';
}

static long number_after(const char *from, const char *name) {
    const char *found = strstr(from, name);
    CHECK(found != NULL);
    return strtol(found + strlen(name), NULL, 10);
}

static struct figures look(void) {
    static struct figures now;
    json_length = 0;
    larder_stats_json(append, NULL);
    for (const char *arena = json; (arena = strstr(arena, "\"kind\":\"node\"")) != NULL; arena++) {
        long node = number_after(arena, "\"node\":");
        const char *counters = strstr(arena, "\"numastat\":");
        CHECK(node >= 0 && node < MOST_NODES && counters != NULL);
        is_node[node] = 1;
        for (int kind = 0; kind < KINDS; kind++) {
            char name[32];
            snprintf(name, sizeof name, "\"%s\":", kinds[kind]);
            now.of[node][kind] = number_after(counters, name);
        }
    }
    return now;
}

// The requests that were counted between two readings.
static void expect(const struct figures *before, const struct figures *after, int node, int kind, long count) {
    long found = after->of[node][kind] - before->of[node][kind];
    if (found != count) printf("%s of node %d is %ld, not %ld\n", kinds[kind], node, found, count);
    fflush(stdout);
    CHECK(found == count);
    compared++;
}

static void take(char **objects, int node) {
    for (int i = 0; i < COUNT; i++) {
        objects[i] = node < 0 ? malloc(SIZE) : larder_malloc_onnode(SIZE, node);
        CHECK(objects[i] != NULL);
        objects[i][0] = 1;
    }
}

static void give_back(char **objects) {
    for (int i = 0; i < COUNT; i++) free(objects[i]);
}

static int node_of_cpu(int cpu) {
    unsigned node;
    run_on(cpu);
    CHECK(getcpu(NULL, &node) == 0);
    return (int)node;
}

// Makes requests from a CPU of node HERE.
static void requests(int here) {
    static char *objects[COUNT];
    struct figures before = look(), taken, freed;
    take(objects, -1), taken = look();
    expect(&before, &taken, here, HIT, COUNT), expect(&before, &taken, here, LOCAL, COUNT), expect(&before, &taken, here, OTHER, 0);
    give_back(objects), freed = look();
    expect(&before, &freed, here, REMOTE_FREE, 0);
    for (int there = 0; there < MOST_NODES; there++) {
        if (!is_node[there] || there == here) continue;
        before = freed;
        take(objects, there), taken = look();
        expect(&before, &taken, there, HIT, COUNT), expect(&before, &taken, there, OTHER, COUNT), expect(&before, &taken, there, LOCAL, 0);
        expect(&before, &taken, here, HIT, 0), expect(&before, &taken, here, FOREIGN, 0), expect(&before, &taken, there, MISS, 0);
        give_back(objects), freed = look();
        expect(&before, &freed, there, REMOTE_FREE, COUNT);
    }
}

static void in_turn(void) {
    static char *objects[COUNT];
    struct figures before = look();
    long all = 0;
    for (int i = 0; i < COUNT; i++) CHECK((objects[i] = larder_malloc_interleaved(SIZE)) != NULL);
    struct figures after = look();
    for (int node = 0; node < MOST_NODES; node++) all += after.of[node][INTERLEAVE] - before.of[node][INTERLEAVE];
    CHECK(all == COUNT);
    give_back(objects);
}

static void sums(void) {
    struct figures now = look();
    long sum[KINDS] = {0};
    for (int node = 0; node < MOST_NODES; node++)
        for (int kind = 0; kind < KINDS; kind++) sum[kind] += now.of[node][kind];
    CHECK(sum[HIT] + sum[MISS] == sum[LOCAL] + sum[OTHER] && sum[MISS] == sum[FOREIGN] && sum[HIT] > 0);
}

// Each node's line must say that its pages lie there and nowhere else.
static void listing(void) {
    char line[512], here[16];
    int lines = 0, node;
    FILE *file = tmpfile();
    CHECK(file && larder_numa_maps(file) == 0);
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        char *policy = strstr(line, " prefer:"), *places = strstr(line, " N");
        if (!policy || !places) continue;
        node = atoi(policy + strlen(" prefer:"));
        snprintf(here, sizeof here, " N%d=", node);
        CHECK(strncmp(places, here, strlen(here)) == 0 && strstr(places + 1, " N") == NULL);
        lines++;
    }
    fclose(file);
    CHECK(lines > 1);
}

int main(void) {
    int cpus[MOST_CPUS], count = list_cpus(cpus), done[MOST_NODES] = {0};
    look();
    for (int i = 0; i < count; i++) {
        int node = node_of_cpu(cpus[i]);
        if (!is_node[node] || done[node]++) continue;
        requests(node);
    }
    in_turn();
    sums();
    listing();
    printf("%d counters are right\n", compared);
    return 0;
}
