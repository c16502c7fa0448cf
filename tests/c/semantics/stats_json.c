/* larder_stats_json passes one JSON object in pieces to a function, which may itself allocate. stats_json.py reads the object on standard
 * output and compares it with the table that malloc_stats writes right after it. */
#include <larder.h>
#include <malloc.h>
#include <unistd.h>

#include "check.h"

enum { MANY = 1000 };

struct text {
    char *start;
    size_t length;
};

/* Grows by realloc while the document is written. */
static void append(void *arg, const char *piece, size_t length) {
    struct text *text = arg;
    text->start = realloc(text->start, text->length + length);
    memcpy(text->start + text->length, piece, length);
    text->length += length;
}

static void to_file(void *file, const char *piece, size_t length) { CHECK(write(*(int *)file, piece, length) == (ssize_t)length); }

int main(void) {
    static void *live[MANY];
    struct text text = {NULL, 0};
    larder_stats_json(append, &text);
    CHECK(text.length > 100 && strncmp(text.start, "{\"larder\":\"", 11) == 0 && text.start[text.length - 1] == '}');
    free(text.start);
    /* stats_json.py knows these objects: they are live while the two reports are written. */
    for (int i = 0; i < MANY; i++) live[i] = malloc(64);
    void *large = malloc(400000), *huge = malloc(64 << 20);
    CHECK(large && huge);
    int out = STDOUT_FILENO;
    larder_stats_json(to_file, &out);
    malloc_stats();
    for (int i = 0; i < MANY; i++) free(live[i]);
    free(large);
    free(huge);
    return finish();
}
