// Allocates many objects of the class whose free memory was written to, as a program would do sooner or later.
#ifndef TAKE_H
#define TAKE_H
#include "misuse.h"

enum { TAKEN = 20000, ENOUGH = 64 << 20 };

// Checks that every object belongs to the program: it can be written completely, and no other object shares its memory.
static inline int take_many(size_t size) {
    static _Thread_local void *taken[TAKEN];
    int count = size * TAKEN < ENOUGH ? TAKEN : (int)(ENOUGH / size);
    for (int i = 0; i < count; i++) {
        taken[i] = malloc(size);
        fill(taken[i], size, i);
    }
    for (int i = 0; i < count; i++)
        if (!intact(taken[i], size, i)) return HANDED_OUT_TWICE;
    return SURVIVED;
}

// Changes the bytes [at, at + count) of a free object.
static inline void scribble(void *freed, int at, int count) {
    for (int i = at; i < at + count; i++) ((volatile unsigned char *)freed)[i] ^= 0xff;
}

#endif
