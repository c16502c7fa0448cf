// bounded LIMIT [soft]: with limit_mib:LIMIT malloc returns NULL and sets ENOMEM before more than that is held; free memory of other sizes
// is gathered first, and resident memory stays within the limit, too. With a soft limit every request is served, but no more than that stays warm.
#include <errno.h>
#include <malloc.h>
#include "churn.h"
#include "status.h"

enum { MOST = 4 << 20 };

static void **held;
static size_t count, limit;

static void let_all_go(uint64_t seed) {
    for (; count > 0; count--) {
        size_t at = next_random(&seed) % count;
        free(held[at]);
        held[at] = held[count - 1];
    }
}

// Allocates and writes objects until malloc fails or there are `most` bytes of them.
static size_t take(size_t size, size_t most) {
    errno = 0;
    while ((count + 1) * size <= most) {
        void *object = malloc(size);
        if (object == NULL) {
            CHECK(errno == ENOMEM);
            break;
        }
        CHECK(errno == 0 && count < MOST);
        memset(object, 1, size);
        held[count++] = object;
    }
    return count * size;
}

// Some memory of filled arrays is kept for the next ones or given back. Either way it must count once.
static void fill_arrays(void) {
    for (int i = 0; i < 40; i++) {
        CHECK(take(limit / 8 * 5, limit) > 0);
        let_all_go(i);
        if (i % 4 == 3) malloc_trim(0);
    }
}

static void must_stop_at_the_limit(void) {
    fill_arrays();
    static const size_t sizes[] = {100, 1000000, 3000, 20000000, 32, 300000, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bytes = take(sizes[i], SIZE_MAX / 2);
        printf("%zu MiB in objects of %zu bytes\n", bytes >> 20, sizes[i]);
        CHECK(bytes <= limit);
        // Objects of 8 bytes take 16. With objects of 20 MB the rest may be too short for one more.
        CHECK(bytes >= limit / (sizes[i] == 8 ? 3 : 2));
        let_all_go(i);
    }
}

static void must_grow_to_the_limit(void) {
    take(3000, limit / 2);
    let_all_go(1);
    size_t size = limit / 8;
    char *object = malloc(size), *grown;
    for (errno = 0; (grown = realloc(object, size + size / 4)) != NULL; object = grown) {
        size += size / 4;
        object = grown;
        memset(object, 1, size);
        CHECK(size <= limit);
    }
    CHECK(errno == ENOMEM && size >= limit / 8 * 5 && object[size - 1] == 1);
    CHECK(calloc(1, limit) == NULL && errno == ENOMEM);
    free(object);
}

static void must_give_back(void) {
    static const size_t sizes[] = {100, 300000, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(take(sizes[i], limit * 2) > limit * 3 / 2);
        let_all_go(i);
        printf("%zu MiB resident, %zu warm, after objects of %zu bytes\n", status("VmRSS:") >> 20, mallinfo2().keepcost >> 20, sizes[i]);
        CHECK(mallinfo2().keepcost <= limit / 2);
    }
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    must_run_on_library();
    limit = strtoul(argv[1], NULL, 10) << 20;
    static void *place[MOST];
    memset(place, 1, sizeof place);
    held = place;
    free(malloc(100));
    if (argc == 3) {
        must_give_back();
        return 0;
    }
    size_t before = status("VmRSS:");
    must_stop_at_the_limit();
    must_grow_to_the_limit();
    size_t peak = status("VmHWM:") - before;
    printf("%zu MiB resident at most\n", peak >> 20);
    CHECK(peak <= limit + (4 << 20));
    churn(1, limit / 4, 3000);
    return 0;
}
