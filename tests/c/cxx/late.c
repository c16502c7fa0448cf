/* A C program that loads C++ code later (as an interpreter loads an extension): the C++ code must be able to catch bad_alloc. */
#include <dlfcn.h>

#include "check.h"

int main(int argc, char **argv) {
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CHECK(plugin);
    if (!plugin) return finish();
    size_t (*works)(void) = (size_t(*)(void))dlsym(plugin, "plugin_works");
    int (*catches)(size_t) = (int (*)(size_t))dlsym(plugin, "plugin_catches");
    int (*gets_null)(size_t) = (int (*)(size_t))dlsym(plugin, "plugin_gets_null");
    int (*has_handler_called)(size_t) = (int (*)(size_t))dlsym(plugin, "plugin_has_its_handler_called");
    CHECK(works() == 1000);
    CHECK(catches(100) == 0);
    CHECK(catches((size_t)1 << 60) == 1);
    CHECK(catches(SIZE_MAX / 2) == 1);
    CHECK(gets_null((size_t)1 << 60) == 1);
    CHECK(has_handler_called((size_t)1 << 60) == 1);
    return finish();
}
