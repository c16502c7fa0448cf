// A library that is initialised before the allocator, so that its fork handler, which allocates, runs before the allocator's.
#include "fork.h"

static void in_child(void) { exercise(7, 300, 20); }

__attribute__((constructor)) static void begin_early(void) { CHECK(pthread_atfork(NULL, NULL, in_child) == 0); }
