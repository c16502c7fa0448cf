/* grow: a buffer that doubles by realloc from 64 bytes to 1 GiB; prints nanoseconds without and with writing to its pages. */
#include "clock.h"
#include <stdio.h>
#include <stdlib.h>

static const size_t last = (size_t)1 << 30;

static double grow(int touched) {
    double start = now_ns();
    char *buffer = malloc(64);
    for (size_t size = 64; buffer && size < last; size *= 2) {
        buffer = realloc(buffer, size * 2);
        if (!buffer) break;
        for (size_t at = size; touched && at < size * 2; at += 4096) buffer[at] = 1;
    }
    if (!buffer) {
        fprintf(stderr, "grow: no memory for 1 GiB\n");
        exit(2);
    }
    free(buffer);
    return now_ns() - start;
}

int main(void) {
    printf("untouched_ns %.0f\n", grow(0));
    printf("touched_ns %.0f\n", grow(1));
    return 0;
}
