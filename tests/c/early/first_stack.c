// The very first allocation happens on a stack of 6 KiB, as small as that of a signal handler may be, and so do calls that fill, free and reach the
// system.
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "pattern.h"

enum { STACK = 6 * 1024, MANY = 20000 };

static ucontext_t back, there;
static void *volatile objects[MANY];

static void first(void) { objects[0] = malloc(100); }

static void many(void) {
    for (int i = 1; i < MANY; i++) objects[i] = malloc(16 + i % 3000);
    for (int i = 0; i < MANY; i++) free(objects[i]);
    objects[0] = malloc(3000000);
    objects[0] = realloc(objects[0], 100000000);
    free(objects[0]);
}

static void on_small_stack(char *end, void (*body)(void)) {
    CHECK(!getcontext(&there));
    there.uc_stack.ss_sp = end - STACK;
    there.uc_stack.ss_size = STACK;
    there.uc_link = &back;
    makecontext(&there, body, 0);
    CHECK(!swapcontext(&back, &there));
}

int main(void) {
    char *stack = mmap(NULL, 4 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    char *end = stack + 4 * STACK;
    on_small_stack(end, first);
    on_small_stack(end, many);
    for (char *byte = stack; byte < end - STACK; byte++) CHECK(*byte == 0);
    return 0;
}
