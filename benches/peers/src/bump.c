// The floor: an allocator that takes objects one after the other, each thread from a chunk of its own, and chunks one
// after the other from a single mapping. A free gives back only what was allocated last, and nothing else ever. So a
// call is an addition and a compare; whoever reuses memory pays more for it. No real allocator.
//
// Only so much is given out, as a program that frees most of what it allocates would otherwise end in the OOM killer
// here. Then malloc fails, and so does most likely the program.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ALL ((size_t)1 << 30)
#define CHUNK ((size_t)64 << 10)
#define HEADER 16 // The size of the object; keeps the alignment.

static _Atomic(uintptr_t) next_chunk;
static uintptr_t limit;
static atomic_flag mapping = ATOMIC_FLAG_INIT;
static __thread uintptr_t here, end;

// The mapping, in huge pages where the machine has them: few faults.
static void map_once(void) {
    while (atomic_flag_test_and_set(&mapping)) {
    }
    if (!next_chunk) {
        char *start = mmap(NULL, ALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start != MAP_FAILED) {
            madvise(start, ALL, MADV_HUGEPAGE);
            limit = (uintptr_t)start + ALL;
            next_chunk = (uintptr_t)start;
        }
    }
    atomic_flag_clear(&mapping);
}

// A chunk with room for `size` bytes, if need be one for them alone.
static int refill(size_t size) {
    if (!next_chunk) map_once();
    size_t chunk = (size + CHUNK - 1) & -CHUNK;
    uintptr_t start = atomic_load(&next_chunk);
    do {
        if (!start || chunk < size || chunk > limit - start) return 0;
    } while (!atomic_compare_exchange_weak(&next_chunk, &start, start + chunk));
    here = start, end = start + chunk;
    return 1;
}

static inline size_t rounded(size_t size) { return (size + 15) & -(size_t)16; }

static __attribute__((noinline)) void *slow(size_t alignment, size_t size);

static inline void *take(size_t alignment, size_t size) {
    uintptr_t object = (here + HEADER + alignment - 1) & -alignment;
    if (__builtin_expect(object > end || size > end - object, 0)) return slow(alignment, size);
    here = object + rounded(size);
    ((size_t *)object)[-1] = size;
    return (void *)object;
}

static void *slow(size_t alignment, size_t size) {
    if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX / 2 || !refill(size + alignment + HEADER + 16)) {
        errno = ENOMEM;
        return NULL;
    }
    return take(alignment, size);
}

void *bump_malloc(size_t size) { return take(16, size); }

size_t bump_usable_size(void *object) { return object ? ((size_t *)object)[-1] : 0; }

static inline int is_last(void *object) {
    return object && (uintptr_t)object + rounded(bump_usable_size(object)) == here;
}

void bump_free(void *object) {
    if (is_last(object)) here = (uintptr_t)object - HEADER;
}

void *bump_calloc(size_t count, size_t size) {
    size_t all;
    void *object = bump_malloc(__builtin_mul_overflow(count, size, &all) ? SIZE_MAX : all);
    return object ? memset(object, 0, all) : NULL;
}

void *bump_realloc(void *object, size_t size) {
    size_t old = bump_usable_size(object);
    if (size <= old && object) return object;
    if (is_last(object) && size <= end - (uintptr_t)object) {
        here = (uintptr_t)object + rounded(size);
        ((size_t *)object)[-1] = size;
        return object;
    }
    void *grown = bump_malloc(size);
    if (grown && object) memcpy(grown, object, old);
    return grown;
}

void *bump_memalign(size_t alignment, size_t size) { return take(alignment < 16 ? 16 : alignment, size); }

int bump_posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
    void *object = bump_memalign(alignment, size);
    if (!object) return ENOMEM;
    *result = object;
    return 0;
}
