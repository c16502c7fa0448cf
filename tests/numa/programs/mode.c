// mode WORD: prints larder's mode. Fails if it does not begin with WORD, or if this process does not run on larder.

#include <dlfcn.h>
#include <stdio.h>
#include "../../c/pattern.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    const char *(*mode)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "larder_mode");
    CHECK(mode != NULL);
    puts(mode());
    return strncmp(mode(), argv[1], strlen(argv[1])) != 0;
}
