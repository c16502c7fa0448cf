// A small program that is linked in all ways: some objects, a thread, a fork.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "pattern.h"

static void *use_heap(void *unused) {
    void *objects[200];
    for (int i = 0; i < 200; i++) {
        CHECK(objects[i] = malloc(1 + i * i));
        fill(objects[i], 1 + i * i, i);
    }
    for (int i = 0; i < 200; i++) {
        CHECK(intact(objects[i], 1 + i * i, i));
        free(objects[i]);
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    int status;
    use_heap(NULL);
    CHECK(!pthread_create(&thread, NULL, use_heap, NULL) && !pthread_join(thread, NULL));
    pid_t child = fork();
    if (child == 0) {
        use_heap(NULL);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
