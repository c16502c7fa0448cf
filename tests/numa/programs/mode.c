// mode WORD: prints larder's mode. Fails if it does not begin with WORD.

#include <larder.h>
#include <stdio.h>
#include "../../c/pattern.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    puts(larder_mode());
    return strncmp(larder_mode(), argv[1], strlen(argv[1])) != 0;
}
