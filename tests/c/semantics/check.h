/* Assertions that do not stop the program: a failed one is printed with its place, and in the end the program exits with status 1.
 *
 * The programs also run on the system malloc, which shows whether they themselves are right; where glibc 2.36 differs by design from
 * later versions or promises less, they ask on_larder(). */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed_checks;

#define CHECK(condition)                                                           \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            failed_checks++;                                                       \
        }                                                                          \
    } while (0)

/* The call must not change errno. */
#define KEEPS_ERRNO(call)      \
    do {                       \
        errno = EXDEV;         \
        call;                  \
        CHECK(errno == EXDEV); \
    } while (0)

/* The call must return null and set this errno. */
#define FAILS(code, call)       \
    do {                        \
        errno = 0;              \
        CHECK((call) == NULL);  \
        CHECK(errno == (code)); \
    } while (0)

static inline int finish(void) { return failed_checks != 0; }

#ifdef __cplusplus
extern "C"
#endif
    const char *larder_version(void) __attribute__((weak));
static inline int on_larder(void) { return larder_version != NULL; }

static inline int is_aligned(const void *p, size_t align) { return (uintptr_t)p % align == 0; }

/* Fills an object with a pattern of its own, which repeats every PERIOD bytes, a prime. */
enum { PERIOD = 251 };

static inline unsigned char pattern(unsigned seed, size_t i) { return (unsigned char)(seed * 31 + i % PERIOD); }

static inline void fill(void *object, size_t size, unsigned seed) {
    unsigned char *bytes = (unsigned char *)object;
    size_t done = 0;
    for (; done < size && done < PERIOD; done++) bytes[done] = pattern(seed, done);
    while (done < size) {
        size_t more = done < size - done ? done : size - done;
        memcpy(bytes + done, bytes, more);
        done += more;
    }
}

/* Whether the pattern is intact. */
static inline int filled(const void *object, size_t size, unsigned seed) {
    const unsigned char *bytes = (const unsigned char *)object;
    for (size_t i = 0; i < size && i < PERIOD; i++)
        if (bytes[i] != pattern(seed, i)) return 0;
    return size <= PERIOD || memcmp(bytes, bytes + PERIOD, size - PERIOD) == 0;
}

static inline int all_zero(const void *object, size_t size) {
    const unsigned char *bytes = (const unsigned char *)object;
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* The resident memory of the process in bytes. */
static inline size_t resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%*s %ld", &pages) == 1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
