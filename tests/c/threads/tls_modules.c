// Libraries with thread-local data are loaded and unloaded while threads use them: the loader allocates and frees the memory for the data.
// The arguments are copies of one library.
#include <dlfcn.h>
#include "threads.h"

enum { THREADS = 4, ROUNDS = 100, MOST_LIBRARIES = 16 };

static char **paths;
static int libraries;

static void *use_libraries(void *number) {
    for (int i = 0; i < ROUNDS; i++) {
        void *library = dlopen(paths[(i + (uintptr_t)number) % libraries], RTLD_NOW);
        CHECK(library);
        int (*touch)(int) = (int (*)(int))dlsym(library, "touch");
        void (*let_go)(void) = (void (*)(void))dlsym(library, "let_go");
        CHECK(touch && let_go);
        for (int j = 0; j < 10; j++) CHECK(touch(j));
        let_go();
        CHECK(dlclose(library) == 0);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    paths = argv + 1;
    libraries = argc - 1;
    CHECK(libraries > 0 && libraries <= MOST_LIBRARIES);
    run_all(threads, THREADS, use_libraries);
    return 0;
}
