/* malloc_stats writes its complete table to standard error, also in a thread that is about to be cancelled, and allocates nothing. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"

static char text[1 << 16];

/* Runs malloc_stats with standard error redirected to a file, and reads the file into `text`. */
static void capture(void) {
    int kept = dup(2);
    FILE *file = tmpfile();
    dup2(fileno(file), 2);
    malloc_stats();
    dup2(kept, 2);
    close(kept);
    ssize_t size = pread(fileno(file), text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    fclose(file);
}

static size_t figure(const char *name) {
    const char *line = strstr(text, name);
    return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static void *cancelled(void *unused) {
    pthread_cancel(pthread_self());
    malloc_stats();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return unused;
}

static void survives_cancellation(void) {
    int kept = dup(2), null = open("/dev/null", O_WRONLY);
    pthread_t thread;
    void *result = NULL;
    dup2(null, 2);
    CHECK(pthread_create(&thread, NULL, cancelled, &text) == 0);
    pthread_join(thread, &result);
    dup2(kept, 2);
    CHECK(result == &text);
}

/* Standard error may be closed, full, or a broken pipe. */
static void survives_a_closed_stderr(void) {
    int kept = dup(2);
    close(2);
    if (on_larder()) KEEPS_ERRNO(malloc_stats());
    dup2(kept, 2);
}

int main(void) {
    void *large = malloc(300000);
    capture();
    CHECK(strlen(text) > 50 && text[strlen(text) - 1] == '\n');
    if (on_larder()) {
        size_t before = figure("in use, small");
        CHECK(strncmp(text, "larder ", 7) == 0 && before > 0);
        CHECK(figure("in use, large") >= 300000 && figure("committed") > figure("in use, large"));
        for (int i = 0; i < 1000; i++) CHECK(malloc(1000));
        capture();
        CHECK(figure("in use, small") >= before + 1000000 && figure("in use, small") < before + 1200000);
        survives_cancellation();
    }
    survives_a_closed_stderr();
    free(large);
    return finish();
}
