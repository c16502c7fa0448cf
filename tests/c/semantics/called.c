// called: a program whose allocator a debugger calls at `here`. A debugger that took a method of larder's for C's `free`, or that lacked the types, would
// call something else.
#include <malloc.h>
#include <stdlib.h>
#include "check.h"

void *kept;

__attribute__((noinline)) void here(void) { __asm__ volatile("" ::: "memory"); }

int main(void) {
    kept = malloc(10);
    here();
    CHECK(malloc_usable_size(kept) >= 5000);
    free(kept);
    return 0;
}
