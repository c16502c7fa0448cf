// self_bound HOW: a program that bounds its own addresses after its first allocation can use all that the bound leaves, for objects as well as for threads
// and mappings. HOW sets the bound: setrlimit, prlimit, or call (the system call itself, which larder does not see: there a mapping must be refused first).
// When a child that shares this process's memory bounds itself, nothing changes here; when a child with a copy does, its heap gives up addresses. A bound
// that is lifted no longer counts. Two values of HOW are for programs that have a bound from the start: `lower` lowers it, and `absurd` asks for more than
// any bound leaves, and then for what this one does.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "churn.h"
#include "status.h"

enum { MIB = 1 << 20, MOST = 1 << 20 };

static void *objects[MOST];

static void bound(const char *how, size_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    switch (how[0]) {
        case 's': CHECK(setrlimit(RLIMIT_AS, &limit) == 0); break;
        case 'p': CHECK(prlimit(getpid(), RLIMIT_AS, &limit, NULL) == 0); break;
        default: CHECK(syscall(SYS_prlimit64, 0, RLIMIT_AS, &limit, NULL) == 0); break;
    }
}

// Allocates objects of one size until there is no memory or there are `most` bytes; returns the number of bytes.
static size_t take_and_free(size_t size, size_t most) {
    size_t count = 0;
    for (errno = 0; count < MOST && count * size < most && (objects[count] = malloc(size)) != NULL; count++) *(char *)objects[count] = 1;
    CHECK(count * size >= most || errno == ENOMEM);
    for (size_t i = 0; i < count; i++) free(objects[i]);
    return count * size;
}

static void *work(void *unused) {
    churn(1, 4 * MIB, 3000);
    return unused;
}

static void must_have_room(size_t bytes) {
    pthread_t thread;
    void *mapping = mmap(NULL, bytes / 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapping != MAP_FAILED && munmap(mapping, bytes / 16) == 0);
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(status("VmSize:") <= bytes);
}

static void must_have(size_t bytes, size_t size) {
    must_have_room(bytes);
    size_t had = take_and_free(size, SIZE_MAX);
    printf("%zu of %zu MiB in objects of %zu bytes\n", had / MIB, bytes / MIB, size);
    fflush(stdout);
    CHECK(had >= bytes / 4 * 3 && had < bytes);
    CHECK(status("VmSize:") <= bytes);
}

static void in_child(void (*work)(const char *, size_t), const char *how, size_t size) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        work(how, size);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void bound_and_take(const char *how, size_t size) {
    bound(how, 512 * MIB);
    if (how[0] == 'c') CHECK(malloc(600 * MIB) == NULL);
    must_have(512 * MIB, size);
}

// Neither what was freed before the bound takes up addresses, nor what is freed after it.
static void bound_and_free(const char *how, size_t size) {
    size_t before = status("VmSize:");
    for (int i = 0; i < 4; i++) {
        char *filled = malloc(size);
        memset(filled, 1, size);
        free(filled);
    }
    char *object = calloc(1, 10 * size);
    bound(how, 512 * MIB);
    if (how[0] == 'c') CHECK(malloc(500 * MIB) == NULL);
    CHECK(status("VmSize:") < 11 * size && status("VmSize:") < before);
    free(object);
    CHECK(status("VmSize:") < size);
}

// There is room for the growth, not for a copy.
static void bound_and_grow(const char *how, size_t size) {
    char *object = malloc(3 * size), *grown;
    memset(object, 1, 3 * size);
    bound(how, 512 * MIB);
    CHECK((grown = realloc(object, 6 * size)) != NULL && grown[3 * size - 1] == 1);
    free(grown);
}

static void have_a_guest_bounded(const char *how, size_t unused) {
    (void)unused;
    int status;
    pid_t child = vfork();
    if (child == 0) {
        bound(how, 200 * MIB);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(take_and_free(100 * 1024, 1024ul * MIB) >= 1024ul * MIB);
}

static void must_heed_a_lower_bound(void) {
    must_have_room(4096ul * MIB);
    bound("setrlimit", 1024ul * MIB);
    must_have(1024ul * MIB, 3000);
}

static void must_keep_the_reservation(void) {
    size_t before = status("VmSize:"), size = 3072ul * MIB;
    for (int bits = 36; bits < 63; bits++) CHECK(malloc((size_t)1 << bits) == NULL && errno == ENOMEM);
    CHECK(status("VmSize:") == before);
    // Regions of any length give up what an object needs.
    void *object = malloc(size);
    CHECK(object != NULL && status("VmSize:") > before / 2);
    free(object);
}

// Whether the addresses of a huge object stay when it is freed: they do where there is no bound, and on one node.
static int keeps_addresses(void) {
    size_t before = status("VmSize:");
    free(calloc(1, 64 * MIB));
    size_t after = status("VmSize:");
    malloc_trim(0);
    return after > before + 32 * MIB;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    must_run_on_library();
    work(NULL);
    if (argv[1][0] == 'l' || argv[1][0] == 'a') {
        (argv[1][0] == 'l' ? must_heed_a_lower_bound : must_keep_the_reservation)();
        return 0;
    }
    struct rlimit nothing = {0, 0}, old;
    CHECK(setrlimit(RLIMIT_NLIMITS, &nothing) == -1 && errno == EINVAL);
    CHECK(prlimit(0, RLIMIT_AS, NULL, &old) == 0 && old.rlim_cur == RLIM_INFINITY);
    static const size_t sizes[] = {3000, 100 * 1024, 20 * MIB, 64 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) in_child(bound_and_take, argv[1], sizes[i]);
    in_child(bound_and_free, argv[1], 33 * MIB);
    in_child(bound_and_grow, argv[1], 64 * MIB);
    in_child(have_a_guest_bounded, argv[1], 0);
    int keeps = keeps_addresses();
    bound(argv[1], 1024ul * MIB);
    if (argv[1][0] == 'c') CHECK(malloc(1500ul * MIB) == NULL && errno == ENOMEM);
    must_have(1024ul * MIB, 3000);
    CHECK(take_and_free(50000, SIZE_MAX) >= 512ul * MIB);
    CHECK(!keeps_addresses());
    bound(argv[1], RLIM_INFINITY);
    // Of a bound that is lifted by the system call larder does not hear.
    CHECK(keeps_addresses() == (keeps && argv[1][0] != 'c'));
    must_have_room(2048ul * MIB);
    CHECK(take_and_free(3000, 1200ul * MIB) >= 1200ul * MIB && take_and_free(MIB, 4096ul * MIB) == 4096ul * MIB);
    return 0;
}
