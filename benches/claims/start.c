/* start N LIB...: runs /bin/true N times under each LIB in turn ("-": none) and prints, per LIB, the median
 * time from spawn to exit and the peak RSS. Link it statically: a child's peak never reads below its parent's. */
#define _GNU_SOURCE
#include "clock.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct sample {
    double microseconds;
    double rss_kib;
};

static struct sample run(const char *library) {
    char preload[4096];
    char *arguments[] = {"true", NULL}, *environment[] = {preload, NULL};
    struct rusage usage;
    pid_t child;
    int status;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", strcmp(library, "-") ? library : "");
    double start = now_ns();
    if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment) || wait4(child, &status, 0, &usage) < 0 || status) {
        fprintf(stderr, "start: /bin/true does not run under %s\n", library);
        exit(2);
    }
    return (struct sample){(now_ns() - start) / 1e3, usage.ru_maxrss};
}

static int by_value(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

/* Another order each time: whoever always came after the same one would always find what that one left, warm or cold. */
static void shuffle(int *order, int count) {
    for (int left = count; left > 1; left--) {
        int chosen = rand() % left, last = order[left - 1];
        order[left - 1] = order[chosen];
        order[chosen] = last;
    }
}

static double median(double *values, int count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

int main(int argc, char **argv) {
    int turns = argc > 1 ? atoi(argv[1]) : 0, libraries = argc - 2;
    if (turns < 1 || libraries < 1) {
        fprintf(stderr, "usage: start N LIB...\n");
        return 2;
    }
    double *times = calloc(libraries * turns, sizeof *times), *peaks = calloc(libraries * turns, sizeof *peaks);
    int *order = calloc(libraries, sizeof *order);
    for (int next = 0; next < libraries; next++)
        order[next] = next;
    for (int turn = 0; turn < turns; turn++) {
        shuffle(order, libraries);
        for (int next = 0; next < libraries; next++) {
            int i = order[next];
            struct sample sample = run(argv[i + 2]);
            times[i * turns + turn] = sample.microseconds;
            peaks[i * turns + turn] = sample.rss_kib;
        }
    }
    for (int i = 0; i < libraries; i++)
        printf("%s %.1f %.0f\n", argv[i + 2], median(times + i * turns, turns), median(peaks + i * turns, turns));
    return 0;
}
