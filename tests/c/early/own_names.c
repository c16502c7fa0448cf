// A program may define functions and variables with names of libc that are not reserved by C: larder must not use any of these that it can do without.
#include <stdio.h>
#include <stdlib.h>
#include "pattern.h"

long environ = 5;

// Allocates, during the very first allocation.
unsigned long getauxval(unsigned long kind) {
    unsigned long word[2], found = 0;
    FILE *file = fopen("/proc/self/auxv", "rb");
    while (file && fread(word, sizeof word, 1, file) == 1)
        if (word[0] == kind) found = word[1];
    if (file) fclose(file);
    return found;
}

long syscall(long number, ...) {
    static const char what[] = "the program's syscall\n";
    (void)number;
    end_badly(what, sizeof what - 1);
    return -1;
}

int main(void) {
    for (size_t size = 1; size < (size_t)100 << 20; size *= 3) free(realloc(malloc(size), size * 2));
    CHECK(environ == 5 && getauxval(6) == 4096);
    return 0;
}
