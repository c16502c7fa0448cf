/* Functions of the C library that return memory from malloc, or resize the caller's. */
#define _GNU_SOURCE
#include <malloc.h>
#include <regex.h>
#include <unistd.h>

#include "check.h"

static void strings(void) {
    char *text = strdup("a stored line"), *part = strndup(text, 8), *printed = NULL;
    CHECK(asprintf(&printed, "%s and %*d", text, 5000, 7) > 5000);
    CHECK(strcmp(part, "a stored") == 0 && printed[5000] != '\0');
    CHECK(malloc_usable_size(printed) > 5000);
    free(text);
    free(part);
    free(printed);
}

static void streams(void) {
    char *memory = NULL, *line = malloc(1);
    size_t size = 0, room = 1;
    FILE *stream = open_memstream(&memory, &size);
    for (int i = 0; i < 10000; i++) fprintf(stream, "line %d\n", i);
    fclose(stream);
    stream = fmemopen(memory, size, "r");
    int lines = 0;
    while (getline(&line, &room, stream) > 0) CHECK(atoi(line + 5) == lines++);
    fclose(stream);
    CHECK(lines == 10000);
    free(memory);
    free(line);
}

static void others(void) {
    regex_t expression;
    CHECK(regcomp(&expression, "^(a|b)*c{2,40}$", REG_EXTENDED) == 0);
    CHECK(regexec(&expression, "abbaccc", 0, NULL, 0) == 0);
    regfree(&expression);
    char *directory = getcwd(NULL, 0), *real = realpath("/", NULL);
    CHECK(directory && real && strcmp(real, "/") == 0);
    free(directory);
    free(real);
    CHECK(setenv("A_NEW_VARIABLE", "value", 1) == 0 && strcmp(getenv("A_NEW_VARIABLE"), "value") == 0);
}

int main(void) {
    for (int i = 0; i < 20; i++) {
        strings();
        streams();
        others();
    }
    return finish();
}
