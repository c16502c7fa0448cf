// Shared by the programs here. Each prints the pointers to which its expectation refers and misuses one; that call must not return.
#ifndef MISUSE_H
#define MISUSE_H
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include "pattern.h"

// The call under test: the runner builds the programs in pointer/ and freed/ once for each.
#if defined CALL_REALLOC
#define MISUSE(p) ((void)!realloc((p), 100))
#elif defined CALL_USABLE_SIZE
#define MISUSE(p) ((void)!malloc_usable_size(p))
#else
#define MISUSE(p) free(p)
#endif

enum { SURVIVED = 3, HANDED_OUT_TWICE = 4 };

// Prints "ptr=0x..." on stdout: the runner puts the value in place of $ptr in the expected message.
static inline void name(const char *what, const void *p) {
    dprintf(1, "%s=%#lx\n", what, (unsigned long)p);
}

static inline void name_size(const char *what, size_t size) {
    dprintf(1, "%s=%zu\n", what, size);
}

#endif
