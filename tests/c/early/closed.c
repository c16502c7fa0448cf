// Started with stdin, stdout and stderr closed: the heap must work and must not open any file, even if it has messages to print ("talk").
#include <fcntl.h>
#include <stdlib.h>
#include "pattern.h"

int main(int argc, char **argv) {
    static char foreign[64];
    void *volatile p = foreign;
    if (argc > 1 && argv[1]) free(p);
    for (size_t size = 1; size < (size_t)100 << 20; size *= 3) free(realloc(malloc(size), size * 2));
    if (fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1) return 1;
    return open("/dev/null", O_RDONLY) == 0 ? 0 : 2;
}
