// Shared by the C tests: a check that ends the program, random numbers, and contents that identify their owner.
// Everything here is safe in signal handlers and in forked children, because nothing allocates.
#ifndef PATTERN_H
#define PATTERN_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

// A failed check prints itself on stderr and ends the process with status 1.
#define CHECK(condition)                                                              \
    do {                                                                              \
        static const char what[] = __FILE__ ":" TEXT(__LINE__) ": " #condition "\n"; \
        if (!(condition)) end_badly(what, sizeof what - 1);                           \
    } while (0)

static inline void end_badly(const char *what, size_t length) {
    ssize_t ignored = write(2, what, length);
    (void)ignored;
    _exit(1);
}

// xorshift64; *state must not be 0.
static inline uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

// A size up to 2^bits; every scale is equally likely.
static inline size_t random_size(uint64_t *state, unsigned bits) {
    uint64_t r = next_random(state);
    return 1 + (r >> 16) % ((size_t)1 << (1 + r % bits));
}

static inline uint64_t word_at(uint64_t tag, size_t index) {
    return tag * 0x9e3779b97f4a7c15u + index;
}

// Writes `size` bytes that depend on the tag; the few bytes after the last whole word are the tag's low byte.
static inline void fill(void *object, size_t size, uint64_t tag) {
    uint64_t *words = object;
    for (size_t i = 0; i < size / 8; i++) words[i] = word_at(tag, i);
    memset((char *)object + size / 8 * 8, (int)(tag & 0xff), size % 8);
}

// Whether the object still has the content that fill(object, size, tag) wrote.
static inline int intact(const void *object, size_t size, uint64_t tag) {
    const uint64_t *words = object;
    const unsigned char *bytes = object;
    for (size_t i = 0; i < size / 8; i++)
        if (words[i] != word_at(tag, i)) return 0;
    for (size_t i = size / 8 * 8; i < size; i++)
        if (bytes[i] != (tag & 0xff)) return 0;
    return 1;
}

#endif
