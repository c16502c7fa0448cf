// Threads hold stdio's locks and allocate under them while the main thread forks. An allocator that takes its locks before
// fork takes stdio's list lock deadlocks here.
#include <stdio.h>
#include "fork.h"

enum { FORKS = 300 };

static void *read_lines(void *unused) {
    while (!atomic_load(&stop_load)) {
        FILE *file = fopen("/proc/self/maps", "r");
        char *line = NULL;
        size_t room = 0;
        CHECK(file);
        while (getline(&line, &room, file) > 0) {}
        fclose(file);
        free(line);
    }
    return unused;
}

static void *flush_all(void *unused) {
    while (!atomic_load(&stop_load)) CHECK(fflush(NULL) == 0);
    return unused;
}

static void *write_memory(void *unused) {
    while (!atomic_load(&stop_load)) {
        char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);
        CHECK(file);
        for (int i = 0; i < 200; i++) fprintf(file, "line %d of a text that grows\n", i);
        fclose(file);
        CHECK(size > 4000);
        free(text);
    }
    return unused;
}

static void use_stdio(void) {
    char *text = NULL;
    CHECK(asprintf(&text, "child %d", (int)getpid()) > 0);
    free(text);
    FILE *file = fopen("/dev/null", "w");
    CHECK(file);
    fprintf(file, "some words");
    fclose(file);
    fflush(NULL);
}

int main(void) {
    void *(*work[])(void *) = {read_lines, flush_all, write_memory, read_lines, load};
    enum { THREADS = sizeof work / sizeof *work };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, work[i], (void *)1));
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            use_stdio();
            use_heap(i);
            exit(0);
        }
        join_child(child);
    }
    end_load(threads, THREADS);
    return 0;
}
