// Shared by the tests of idle programs: work that leaves memory free, and the system's information about the helper thread.
#ifndef IDLE_H
#define IDLE_H
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pattern.h"
#include "threads/threads.h"

enum { OBJECTS = 200000, IDLE_MS = 10000, LOOK_MS = 50 };

// Allocates and frees some 100 MiB of objects.
static inline void *swell(void *seed) {
    static void *objects[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        size_t size = 16 + (i * 37) % 1000;
        CHECK(objects[i] = malloc(size));
        memset(objects[i], 1, size);
    }
    for (int i = 0; i < OBJECTS; i++) free(objects[i]);
    return seed;
}

static inline void swell_in_a_thread(void) {
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, swell, NULL));
    CHECK(!pthread_join(thread, NULL));
}

// Reads the line of the helper thread's status that begins with `field`; returns false if there is no such thread.
static inline int helper_status(const char *field, char *line, int size) {
    DIR *tasks = opendir("/proc/self/task");
    int found = 0;
    CHECK(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], text[256] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!file) continue;
        int is_helper = fgets(text, sizeof text, file) && !strcmp(text, "Name:\tlarder-purge\n");
        while (is_helper && fgets(line, size, file) && strncmp(line, field, strlen(field))) continue;
        found += is_helper;
        fclose(file);
    }
    closedir(tasks);
    CHECK(found <= 1);
    return found;
}

// Whether this line of the helper's status has that value.
static inline void helper_says(const char *field, const char *value) {
    char line[256];
    CHECK(helper_status(field, line, sizeof line));
    CHECK(!strcmp(line + strlen(field) + 1, value));
}

static inline int has_helper(void) {
    char line[256];
    return helper_status("State:", line, sizeof line);
}

// Whether there is a helper thread, or soon will be: it takes its name when it first runs, which may be after the call that started it has returned.
static inline int gets_helper(void) {
    for (int waited = 0; waited < IDLE_MS && !has_helper(); waited += LOOK_MS) usleep(LOOK_MS * 1000);
    return has_helper();
}

// Waits until at most `most` KiB are resident, and returns whether that happened. Calls nothing that allocates meanwhile.
static inline int shrinks_to(long most) {
    for (int waited = 0; waited < IDLE_MS; waited += LOOK_MS) {
        if (resident_kib() <= most) return 1;
        usleep(LOOK_MS * 1000);
    }
    fprintf(stderr, "%ld KiB are resident, not %ld\n", resident_kib(), most);
    return 0;
}

#endif
