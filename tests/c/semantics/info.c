/* malloc_info writes its document to any stream; info.py reads the one on standard output. */
#include <malloc.h>
#include <pthread.h>

#include "check.h"

enum { MANY = 1000 };

static void refuses_options(void) {
    CHECK(malloc_info(1, stdout) == EINVAL);
    CHECK(malloc_info(-1, stdout) == EINVAL);
}

/* A stream whose buffer grows by realloc while the document is written. */
static void into_memory(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    CHECK(malloc_info(0, stream) == 0);
    fclose(stream);
    CHECK(size > 100 && strncmp(text, "<malloc version=\"1\">", 20) == 0);
    CHECK(strstr(text, "</malloc>\n") == text + size - 10);
    free(text);
}

static void *cancelled(void *whole) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    pthread_cancel(pthread_self());
    malloc_info(0, stream);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    fclose(stream);
    *(int *)whole = size > 100 && strstr(text, "</malloc>\n") == text + size - 10;
    free(text);
    return NULL;
}

static void with_a_cancellation_pending(void) {
    pthread_t thread;
    int whole = 0;
    CHECK(pthread_create(&thread, NULL, cancelled, &whole) == 0);
    pthread_join(thread, NULL);
    CHECK(whole);
}

int main(void) {
    static void *live[MANY];
    refuses_options();
    into_memory();
    with_a_cancellation_pending();
    /* info.py knows these objects: they are live while the document is written. */
    for (int i = 0; i < MANY; i++) live[i] = malloc(64);
    void *large = malloc(400000), *huge = malloc((size_t)1 << 30);
    CHECK(large && huge);
    CHECK(malloc_info(0, stdout) == 0);
    CHECK(fflush(stdout) == 0);
    for (int i = 0; i < MANY; i++) free(live[i]);
    free(large);
    free(huge);
    return finish();
}
