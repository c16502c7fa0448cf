// The floor: an allocator that never frees. Each thread takes objects one after the other from a chunk of its own, and
// chunks one after the other from a single mapping. So an allocation is an addition and a compare, and a free nothing;
// whoever frees and reuses pays more for each call, and less for memory. No real allocator.
//
// At most a quarter of the machine's memory is given out: a program that frees what it allocates would otherwise end
// in the OOM killer here. Then malloc fails, and so does most likely the program.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

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
        struct sysinfo machine;
        size_t size = sysinfo(&machine) ? (size_t)1 << 30 : machine.totalram * machine.mem_unit / 4;
        char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start != MAP_FAILED) {
            madvise(start, size, MADV_HUGEPAGE);
            limit = (uintptr_t)start + size;
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

static __attribute__((noinline)) void *slow(size_t alignment, size_t size);

static inline void *take(size_t alignment, size_t size) {
    uintptr_t object = (here + HEADER + alignment - 1) & -alignment;
    if (__builtin_expect(object > end || size > end - object, 0)) return slow(alignment, size);
    here = object + ((size + 15) & -(size_t)16);
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

void bump_free(void *object) { (void)object; }

// Nothing is handed out twice, so all of it is still zero.
void *bump_calloc(size_t count, size_t size) {
    size_t all;
    return bump_malloc(__builtin_mul_overflow(count, size, &all) ? SIZE_MAX : all);
}

size_t bump_usable_size(void *object) { return object ? ((size_t *)object)[-1] : 0; }

void *bump_realloc(void *object, size_t size) {
    size_t old = bump_usable_size(object);
    if (size <= old && object) return object;
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
