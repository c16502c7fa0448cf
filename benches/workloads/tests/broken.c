/* A malloc that never frees and makes one mistake, to be preloaded: TWICE, SHORT, CROOKED or NOTHING. It starts with it after a
 * thousand correct calls, so that the program has begun. */
#include <stddef.h>
#include <string.h>

static _Alignas(4096) char heap[1 << 28];
static size_t used, calls;

static size_t rounded(size_t size) { return (size + 15) & ~(size_t)15; }

void *malloc(size_t size) {
    static char *last;
    int wrong = ++calls > 1000;
#ifdef TWICE
    if (wrong && calls % 100 == 0) return last;
#elif defined SHORT
    if (wrong && size > 64) used -= 16;
#elif defined CROOKED
    if (wrong) return heap + used + 4;
#elif defined NOTHING
    if (wrong) return NULL;
#endif
    last = heap + used;
    used += rounded(size);
    return used < sizeof heap ? last : NULL;
}

void free(void *memory) { (void)memory; }

void *calloc(size_t count, size_t size) {
    void *memory = malloc(count * size);
    return memory ? memset(memory, 0, count * size) : NULL;
}

void *realloc(void *memory, size_t size) {
    void *grown = malloc(size);
    return memory && grown ? memmove(grown, memory, size) : grown;
}
