// A library in a namespace of its own has its own malloc; both heaps work side by side.
// The argument is the library to load there: tls_module.c of the thread tests.
#include <dlfcn.h>
#include <stdlib.h>
#include "pattern.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    for (int i = 0; i < 5; i++) {
        void *library = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
        CHECK(library);
        int (*touch)(int) = (int (*)(int))dlsym(library, "touch");
        CHECK(touch);
        for (int j = 0; j < 100; j++) {
            void *object = malloc(100 + j);
            CHECK(touch(j) && object);
            free(object);
        }
        CHECK(dlclose(library) == 0);
    }
    return 0;
}
