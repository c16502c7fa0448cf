/* larder.h - the functions that liblarder.so and liblarder.a offer beyond <stdlib.h> and <malloc.h>.
 *
 * Programs need neither this header nor a relink to run on larder:
 *
 *     LD_PRELOAD=/path/to/liblarder.so program
 *
 * All sizes and alignments are in bytes. Every object is aligned to at least 16 bytes. An object belongs to the caller
 * until it is passed to a freeing function, exactly once. Each of them accepts any object, no matter which function or
 * thread allocated it. All functions may be called from any thread.
 *
 * Once larder is linked or preloaded, it also provides the standard names:
 *
 *   <stdlib.h>  malloc calloc realloc reallocarray free aligned_alloc posix_memalign valloc
 *   <malloc.h>  memalign pvalloc malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt
 *   <new>       every form of operator new and operator delete
 *
 * They behave as in glibc. Where the standards leave a choice, larder does this:
 *
 *   size 0                  a unique object; realloc(p, 0) frees p and returns NULL
 *   size over PTRDIFF_MAX   NULL and ENOMEM
 *   errno                   set when a call fails (posix_memalign: not even then), unchanged by success and by free
 *   aligned_alloc           alignment not a power of two: NULL and EINVAL; size need not be a multiple of it
 *   memalign                alignment is rounded up to a power of two
 *   mallopt                 1 for glibc's parameters, 0 for others; none has an effect (use LARDER_CONF)
 *   malloc_trim             1 if memory was returned to the system, else 0
 *   mallinfo2               arena     committed memory other than huge objects
 *                           hblks     huge objects (mappings of their own); hblkhd their bytes
 *                           uordblks  bytes in use other than huge objects; fordblks bytes free and cached
 *                           ordblks   free objects and page runs outside the per-CPU windows
 *                           smblks    free objects in the per-CPU windows; fsmblks their bytes
 *                           keepcost  bytes of free pages and mappings kept warm: the least that malloc_trim(0) can give back
 *                           mallinfo  the same as ints, INT_MAX where a figure does not fit
 *   operator new            calls the new-handler, else throws std::bad_alloc; aborts if the process has no C++ runtime
 *
 * When liblarder.a is linked statically into a C++ program, it finds the C++ runtime only if something pulls the runtime in; to be sure,
 * link with -u _ZSt17__throw_bad_allocv -u _ZSt15get_new_handlerv. A program that has its own malloc or operator new must link a copy of
 * liblarder.a made by "objcopy --weaken-symbols=symbols.txt"; symbols.txt is in larder's directory ffi.
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

/* LARDER_MALLOC: the result is new memory. LARDER_SIZE(n): parameter n is its size in bytes. */
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

/* How this process reaches its per-CPU caches: "rseq by mm_cid", "rseq by cpu_id", or "fallback: " followed by the
 * reason why rseq is not used. The string is static. */
const char *larder_mode(void) LARDER_NOTHROW;

/* Returns free memory to the system, except for `keep` bytes of each NUMA node. Returns the number of bytes given back. */
size_t larder_trim(size_t keep) LARDER_NOTHROW;

/* Writes all statistics as one JSON object: everything that malloc_stats prints, plus each node's free runs, counters and pages
 * (docs/operations.md). `take` is called for each piece of the text in turn; a piece has `length` bytes and no terminator. `take` may
 * allocate; it must not throw. */
void larder_stats_json(void (*take)(void *arg, const char *text, size_t length), void *arg);

/* --- NUMA: nodes have the kernel's numbers, as with numactl --- */

/* Like malloc, but takes memory of the given node, or of the nearest other node if that one is full. NULL and EINVAL if this process
 * cannot have memory of that node. */
void *larder_malloc_onnode(size_t size, int node) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* Like malloc, but the pages are spread over all nodes in turn. */
void *larder_malloc_interleaved(size_t size) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* Makes larder follow at once the memory policy that the calling thread has set for itself with set_mempolicy (through libnuma or
 * otherwise). Without this call larder notices a little later by itself, but only in programs with more than one thread. Returns 1, or 0
 * if threads' policies are not followed: there is one node, LARDER_CONF sets a policy, or the system does not report policies. */
int larder_follow_policy(void) LARDER_NOTHROW;

/* The node that an object's memory belongs to, or -1 if the memory is not larder's. For interleaved objects and objects above 32 MiB
 * it is the node of their first page, or -1 until that page has been touched. */
int larder_node_of(const void *object) LARDER_NOTHROW;

/* What larder_migrate_pages did, in pages of 4 KiB. present = moved + there_already + busy + no_memory + shared + refused. */
struct larder_migration {
    size_t present;       /* resident pages: all of the node's arena, and those of interleaved objects and of objects above 32 MiB that lay on the node */
    size_t moved;
    size_t there_already; /* not moved: already on the target node */
    size_t busy;          /* not moved: in use by the kernel, or pinned; try again */
    size_t no_memory;     /* not moved: the target node is full */
    size_t shared;        /* not moved: shared with another process, as after a fork */
    size_t refused;       /* not moved for another reason */
};

/* Moves the memory of the objects of node `from` to node `to`, and with it those pages of interleaved objects and of objects above 32 MiB
 * that lie on `from`. Addresses do not change. Later allocations come from their own node again. `result` may be NULL. Returns 0, or -1
 * with errno set if a node does not exist (EINVAL) or the system refuses. */
int larder_migrate_pages(int from, int to, struct larder_migration *result) LARDER_NOTHROW;

/* Writes a line for each arena in the manner of /proc/self/numa_maps: its first address, its policy, its bytes, and how many of the
 * sampled pages lie on which node. Returns 0, or -1 if writing to the stream fails. */
int larder_numa_maps(FILE *stream);

/* --- C23's sized frees: larder looks size and alignment up and does not rely on the arguments --- */

/* Frees an object that was returned by malloc(size), realloc(..., size), or calloc for `size` bytes in all. NULL is ignored. */
void free_sized(void *object, size_t size) LARDER_NOTHROW;

/* Frees an object that was returned by aligned_alloc(align, size). NULL is ignored. */
void free_aligned_sized(void *object, size_t align, size_t size) LARDER_NOTHROW;

/* --- jemalloc's extended interface ---
 *
 * `flags` is 0 or any of these, joined by |. On failure the result is NULL (or 0), and errno is unchanged. `object` must not be NULL. */

/* Aligned to 1 << log2 bytes. */
#define MALLOCX_LG_ALIGN(log2) ((int)(log2))
/* Aligned to `align` bytes, a power of two. */
#define MALLOCX_ALIGN(align) ((int)__builtin_ctzll((unsigned long long)(align)))
/* New bytes are zero; when an object grows, these are the bytes beyond its previous usable size. */
#define MALLOCX_ZERO ((int)0x40)
/* Memory of a NUMA node, as with larder_malloc_onnode; NULL if there is no such node. rallocx: if the object must move, it moves there.
 * Replaces MALLOCX_ARENA; the two cannot be combined. Not part of jemalloc. `node` is evaluated twice and may be up to 4094; Linux has a
 * quarter as many nodes at most. */
#define MALLOCX_NODE(node) ((int)(0x80 | ((unsigned)(node) < 4095 ? (unsigned)(node) + 1 : 0) << 20))
/* Accepted and ignored: larder has neither thread caches nor arenas to choose from. */
#define MALLOCX_TCACHE(cache) ((int)(((cache) + 2) << 8))
#define MALLOCX_TCACHE_NONE MALLOCX_TCACHE(-1)
#define MALLOCX_ARENA(arena) ((int)((((unsigned)(arena)) + 1) << 20))

/* Allocates an object. */
void *mallocx(size_t size, int flags) LARDER_NOTHROW LARDER_MALLOC LARDER_SIZE(1);

/* Resizes the object, moving it if necessary. On failure the object is unchanged. */
void *rallocx(void *object, size_t size, int flags) LARDER_NOTHROW LARDER_RESULT LARDER_SIZE(2);

/* Resizes the object without moving it, to at least `size` and at best `size + extra` bytes. Returns the usable size that
 * the object then has: less than `size` if it could not grow. */
size_t xallocx(void *object, size_t size, size_t extra, int flags) LARDER_NOTHROW;

/* The usable size of the object. */
size_t sallocx(const void *object, int flags) LARDER_NOTHROW LARDER_PURE;

/* Frees the object. */
void dallocx(void *object, int flags) LARDER_NOTHROW;

/* Frees the object. `size` is between the requested and the usable size; `flags` repeats the requested alignment. */
void sdallocx(void *object, size_t size, int flags) LARDER_NOTHROW;

/* The usable size that an object from mallocx(size, flags) would have, or 0 if there can be no such object. */
size_t nallocx(size_t size, int flags) LARDER_NOTHROW;

#ifdef __cplusplus
}
#endif

#endif
