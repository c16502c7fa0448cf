#include <stdlib.h>
#include <string.h>

int who(void);
int ask(void);
char *copy(void);
void release(void *object);

int who(void) { return 2; }
int ask(void) { return who(); }

char *copy(void) {
    char *made = malloc(100), *again;
    strcpy(made, "made by the plugin");
    again = strdup(made);
    free(made);
    return again;
}

void release(void *object) { free(object); }
