// A library that is initialised before the allocator, so that its fork handler runs before the allocator's; it allocates there.
#include "fork.h"

static void in_child(void) { exercise(7, 300, 20); }

__attribute__((constructor)) static void begin_early(void) { CHECK(pthread_atfork(NULL, NULL, in_child) == 0); }
