// What is resident of this process, in KiB.
#include <fcntl.h>
#include <stdlib.h>
#include "pattern.h"

static inline size_t resident_kib(void) {
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    CHECK(length > 0);
    close(file);
    text[length] = 0;
    const char *second = strchr(text, ' ');
    CHECK(second != NULL);
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}
