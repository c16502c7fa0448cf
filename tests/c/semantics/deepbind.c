// A plugin that is loaded with RTLD_DEEPBIND and found by this program's own RUNPATH: it frees objects of the C library and the program, and the program
// frees its objects. Without larder this works anyway. With larder dlopen drops the flag, so that a name which both define is the program's ("dropped"),
// unless told to keep it ("kept").
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "pattern.h"

enum { PROGRAM = 1, PLUGIN = 2 };

int who(void);
int who(void) { return PROGRAM; }

int main(int argc, char **argv) {
    void *plugin = dlopen("deepbind.so", RTLD_NOW | RTLD_DEEPBIND);
    CHECK(plugin != NULL);
    int (*ask)(void) = (int (*)(void))dlsym(plugin, "ask");
    CHECK(ask != NULL);
    if (argc > 1 && strcmp(argv[1], "kept") == 0) {
        CHECK(ask() == PLUGIN);
        return 0;
    }
    CHECK(argc == 1 || ask() == PROGRAM);
    char *(*copy)(void) = (char *(*)(void))dlsym(plugin, "copy");
    void (*release)(void *) = (void (*)(void *))dlsym(plugin, "release");
    CHECK(copy != NULL && release != NULL);
    release(malloc(100));
    release(strdup("made by the C library"));
    char *made = copy();
    CHECK(strcmp(made, "made by the plugin") == 0);
    free(made);
    CHECK(dlopen("deepbind_that_is_not_there.so", RTLD_NOW) == NULL && strstr(dlerror(), "not_there") != NULL);
    CHECK(dlclose(plugin) == 0);
    return 0;
}
