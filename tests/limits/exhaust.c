// exhaust SIZE LEAST [lock-before|lock-after]: allocates objects of SIZE bytes until malloc fails. By then it must have got LEAST MiB, the
// result must be NULL with ENOMEM, and its objects must be intact. When half of them are freed, their memory must serve other sizes, and when all
// are freed, as much as before must be available. With a third argument all future memory is locked (MCL_FUTURE), before or after the first
// allocation.
#include <errno.h>
#include <sys/mman.h>
#include "churn.h"

struct link {
    struct link *next;
    uintptr_t check;
};

static struct link *held;
static size_t size;

static size_t take_all(void) {
    size_t count = 0;
    struct link *link;
    errno = 0;
    while ((link = malloc(size)) != NULL) {
        *link = (struct link){held, (uintptr_t)link ^ count++};
        held = link;
        CHECK(count * size < (size_t)16 << 30);
    }
    CHECK(errno == ENOMEM);
    return count;
}

// Frees the newest objects until `kept` of the `count` are left.
static void let_go(size_t count, size_t kept) {
    while (count > kept) {
        struct link *link = held;
        CHECK(link->check == ((uintptr_t)link ^ --count));
        held = link->next;
        free(link);
    }
}

static void must_refuse_everything_large(void) {
    errno = 0;
    CHECK(calloc(1, (size_t)1 << 40) == NULL && errno == ENOMEM);
    char *object = strdup("kept");
    errno = 0;
    CHECK(realloc(object, (size_t)1 << 40) == NULL && errno == ENOMEM);
    if (object) CHECK(strcmp(object, "kept") == 0);
    free(object);
}

static void lock_before(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[3], "lock-before") == 0) CHECK(mlockall(MCL_FUTURE) == 0);
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **) = lock_before;

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    must_run_on_library();
    size = strtoul(argv[1], NULL, 10);
    free(malloc(100));
    if (argc == 4 && strcmp(argv[3], "lock-after") == 0) CHECK(mlockall(MCL_FUTURE) == 0);
    size_t first = take_all();
    printf("%zu MiB\n", first * size >> 20);
    CHECK(first * size >> 20 >= strtoul(argv[2], NULL, 10));
    must_refuse_everything_large();
    let_go(first, first / 2);
    // Every size class in use has a slab of its own, together some 4 MiB: all sizes at the same time need more than a very small process has.
    if (first * size >= (size_t)16 << 20) churn(1, (size_t)2 << 20, 2000);
    let_go(first / 2, 0);
    size_t again = take_all();
    printf("%zu MiB again\n", again * size >> 20);
    CHECK(again >= first / 10 * 9);
    let_go(again, 0);
    CHECK(held == NULL);
    return 0;
}
