/* larder.h - what liblarder.so and liblarder.a offer beyond <stdlib.h> and <malloc.h>.
 *
 * Programs need neither this header nor a relink to run on larder:
 *
 *     LD_PRELOAD=/path/to/liblarder.so program
 *
 * All sizes and alignments are in bytes. Every object is aligned to at least 16 bytes. An object belongs to the caller
 * until it is handed to exactly one of the freeing functions; any of them takes any object, whichever function and
 * whichever thread made it. All functions may be called from any thread.
 *
 * The standard names are larder's, too, once it is linked or preloaded:
 *
 *   <stdlib.h>  malloc calloc realloc reallocarray free aligned_alloc posix_memalign valloc
 *   <malloc.h>  memalign pvalloc malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt
 *   <new>       every form of operator new and operator delete
 *
 * They behave as in glibc. Where the standards leave a choice:
 *
 *   size 0                  a unique object; realloc(p, 0) frees p and returns NULL
 *   size over PTRDIFF_MAX   NULL and ENOMEM
 *   errno                   written when a call fails (posix_memalign: not even then), kept by success and by free
 *   aligned_alloc           alignment not a power of two: NULL and EINVAL; size need not be a multiple of it
 *   memalign                alignment is rounded up to a power of two
 *   mallopt                 1 for glibc's parameters, 0 for others; none has an effect (see LARDER_CONF)
 *   malloc_trim             1 if memory went back to the system, else 0
 *   mallinfo2               arena     committed memory other than huge objects
 *                           hblks     huge objects (mappings of their own); hblkhd their bytes
 *                           uordblks  bytes in use other than huge objects; fordblks bytes free and cached
 *                           ordblks   free objects and page runs outside the per-CPU windows
 *                           smblks    free objects in the per-CPU windows; fsmblks their bytes
 *                           keepcost  bytes of free pages and mappings kept warm: what malloc_trim(0) can give back at least
 *                           mallinfo  the same as ints, INT_MAX where a figure does not fit
 *   operator new            calls the new-handler, else throws std::bad_alloc; aborts if the process has no C++ runtime
 *
 * Linked statically into a C++ program, liblarder.a finds the C++ runtime only if something pulls it in; make sure with
 * -u _ZSt17__throw_bad_allocv -u _ZSt15get_new_handlerv. A program with a malloc or an operator new of its own is to be linked with a copy
 * of it that "objcopy --weaken-symbols=symbols.txt" has made, with the list of names in larder's folder ffi.
 */
#ifndef LARDER_H
#define LARDER_H

#include <stddef.h>
#include <stdio.h>

#if defined(__cplusplus) && __cplusplus >= 201103L
#define LARDER_NOTHROW noexcept
#elif defined(__cplusplus)
#define LARDER_NOTHROW throw()
#else
#define LARDER_NOTHROW
#endif

/* LARDER_MALLOC: the result is new memory. LARDER_SIZE(n): of as many bytes as parameter n says. */
#if defined(__GNUC__)
#define LARDER_MALLOC __attribute__((malloc, warn_unused_result))
#define LARDER_SIZE(n) __attribute__((alloc_size(n)))
#define LARDER_RESULT __attribute__((warn_unused_result))
#define LARDER_PURE __attribute__((pure))
#else
#define LARDER_MALLOC
#define LARDER_SIZE(n)
#define LARDER_RESULT
#define LARDER_PURE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- larder itself --- */

/* The version, such as "0.1.0". The string is static. */
const char *larder_version(void) LARDER_NOTHROW;

/* How this process reaches its per-CPU caches: "rseq by mm_cid", "rseq by cpu_id", or "fallback: " and the reason why
 * not by rseq. The string is static. */
const char *larder_mode(void) LARDER_NOTHROW;

/* Gives free memory but for `keep` bytes back to the system; returns how many bytes that were. */
size_t larder_trim(size_t keep) LARDER_NOTHROW;

/* All statistics as one JSON object: what malloc_stats prints, and each node's free runs, counters and pages besides (docs/operations.md).
 * `take` is called with one piece of the text after another, each `length` bytes and not terminated. It may allocate; it must not
 * throw. */
void larder_stats_json(void (*take)(void *arg, const char *text, size_t length), void *arg);

/* --- NUMA: nodes go by the kernel's numbers, as with numactl --- */

/* As malloc, but of one node's memory; of the nearest other node's if that is full. NULL and EINVAL if this process can have no
 * memory of that node. */
void *larder_malloc_onnode(size_t size, int node) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* As malloc, but the pages lie on all nodes in turn. */
void *larder_malloc_interleaved(size_t size) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* Takes notice at once of the memory policy that this thread has set for itself with set_mempolicy, by libnuma or otherwise; in programs of
 * more than one thread larder finds out by itself a little later. Returns 1; 0 where threads' policies are not followed: one node, a
 * policy in LARDER_CONF, a system that does not tell. */
int larder_follow_policy(void) LARDER_NOTHROW;

/* The node that an object's memory is of, -1 if it is no memory of larder's. Interleaved objects and those above 32 MiB are where
 * their first page lies, and -1 before it was touched. */
int larder_node_of(const void *object) LARDER_NOTHROW;

/* What larder_migrate_pages did, in pages of 4 KiB. present = moved + there_already + busy + no_memory + shared + refused. */
struct larder_migration {
    size_t present;       /* pages that were there: of the node's arena, and what of interleaved objects and of those above 32 MiB lay on it */
    size_t moved;
    size_t there_already; /* lay on the target node */
    size_t busy;          /* not moved: in use by the kernel, or pinned; try again */
    size_t no_memory;     /* not moved: the target node is full */
    size_t shared;        /* not moved: shared with another process, as after a fork */
    size_t refused;       /* not moved for another reason */
};

/* Moves the memory of one node's objects to another node, and what of interleaved objects and of those above 32 MiB lies there; their addresses stay. What is allocated later lies on its own node
 * again. `result` may be NULL. Returns 0; -1 and errno if a node does not exist (EINVAL) or the system refuses. */
int larder_migrate_pages(int from, int to, struct larder_migration *result) LARDER_NOTHROW;

/* Writes a line for each arena in the manner of /proc/self/numa_maps: its first address, its policy, its bytes, and of how many
 * sampled pages lie on which node. Returns 0, or -1 if the stream has an error. */
int larder_numa_maps(FILE *stream);

/* --- C23's sized frees: size and alignment are looked up, not trusted --- */

/* Frees what malloc(size), realloc(..., size), or calloc for `size` bytes in all returned. NULL is ignored. */
void free_sized(void *object, size_t size) LARDER_NOTHROW;

/* Frees what aligned_alloc(align, size) returned. NULL is ignored. */
void free_aligned_sized(void *object, size_t align, size_t size) LARDER_NOTHROW;

/* --- jemalloc's extended interface ---
 *
 * `flags` is 0 or any of these, joined by |. Failure is NULL (or 0), errno is not touched. `object` must not be NULL. */

/* Aligned to 1 << log2 bytes. */
#define MALLOCX_LG_ALIGN(log2) ((int)(log2))
/* Aligned to `align` bytes, a power of two. */
#define MALLOCX_ALIGN(align) ((int)__builtin_ctzll((unsigned long long)(align)))
/* New bytes are zero; on growth, those beyond the usable size the object had. */
#define MALLOCX_ZERO ((int)0x40)
/* Of a NUMA node's memory, as larder_malloc_onnode; NULL if there is no such node. rallocx: if the object must move, it moves there. Takes
 * the place of MALLOCX_ARENA. Not of jemalloc. There is room for numbers up to 4094, four times what Linux has; `node` is evaluated twice. */
#define MALLOCX_NODE(node) ((int)(0x80 | ((unsigned)(node) < 4095 ? (unsigned)(node) + 1 : 0) << 20))
/* Accepted and ignored: larder has neither thread caches nor arenas to choose from. */
#define MALLOCX_TCACHE(cache) ((int)(((cache) + 2) << 8))
#define MALLOCX_TCACHE_NONE MALLOCX_TCACHE(-1)
#define MALLOCX_ARENA(arena) ((int)((((unsigned)(arena)) + 1) << 20))

/* A new object. */
void *mallocx(size_t size, int flags) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* Resizes, moving the object if need be. On failure the object is left as it was. */
void *rallocx(void *object, size_t size, int flags) LARDER_NOTHROW LARDER_RESULT LARDER_SIZE(2);

/* Resizes without moving, to at least `size` and at best `size + extra` bytes. Returns the usable size that the object
 * then has: less than `size` if it could not grow. */
size_t xallocx(void *object, size_t size, size_t extra, int flags) LARDER_NOTHROW;

/* The usable size. */
size_t sallocx(const void *object, int flags) LARDER_NOTHROW LARDER_PURE;

/* Frees. */
void dallocx(void *object, int flags) LARDER_NOTHROW;

/* Frees; `size` lies between the size asked for and the usable size, `flags` repeats the alignment asked for. */
void sdallocx(void *object, size_t size, int flags) LARDER_NOTHROW;

/* The usable size that mallocx(size, flags) would give, 0 if there cannot be such an object. */
size_t nallocx(size_t size, int flags) LARDER_NOTHROW;

#ifdef __cplusplus
}
#endif

#endif
