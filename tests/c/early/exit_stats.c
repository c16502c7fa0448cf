/* Statistics at exit go to the file that standard error was at load, with one call, and to no other file of the program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 600 };
static char text[1 << 18];

static void fail(const char *what) {
    fprintf(stdout, "FAILED: %s: %.300s\n", what, text);
    fflush(stdout);
    exit(1);
}

/* The actions of the child before it exits. */
static void child(const char *kind) {
    if (strcmp(kind, "closes") == 0) close(2);
    if (strcmp(kind, "plain") == 0 || strcmp(kind, "closes") == 0) exit(0);
    /* "takes", "takes all": closes all descriptors that it does not know, and gives every number to one file. */
    for (int i = 3; i < 1024; i++) close(i);
    if (strcmp(kind, "takes all") == 0) close(2);
    int file = open("data", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    for (int i = 0; i < FILES; i++) dup(file);
    exit(write(file, "mine\n", 5) == 5 ? 0 : 1);
}

/* Runs a child with a socket as standard error, in which each call's output is a message. Returns the number of calls; `text` gets the last message. */
static int run(const char *self, const char *kind, const char *conf, rlim_t descriptors) {
    int ends[2], calls = 0, status;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) fail("socketpair");
    pid_t process = fork();
    if (process == 0) {
        struct rlimit limit = {descriptors, descriptors};
        setrlimit(RLIMIT_NOFILE, &limit);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        setenv("LARDER_CONF", conf, 1);
        execl(self, self, kind, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    text[0] = '\0';
    for (ssize_t got; (got = recv(ends[0], text, sizeof text - 1, 0)) > 0; calls++) text[got] = '\0';
    close(ends[0]);
    waitpid(process, &status, 0);
    if (status != 0) fail(kind);
    return calls;
}

static int is_whole(void) { return text[0] == '{' && strcmp(text + strlen(text) - 2, "}\n") == 0; }

static void data_is_the_programs(void) {
    char data[64] = "";
    int file = open("data", O_RDONLY);
    if (read(file, data, sizeof data) != 5 || memcmp(data, "mine\n", 5) != 0) fail("the program's own file was written to");
    close(file);
}

int main(int argc, char **argv) {
    if (argc > 1) child(argv[1]);
    free(malloc(100));
    const char *self = argv[0];
    if (run(self, "plain", "stats:json", 1024) != 1 || !is_whole()) fail("json is not one write");
    if (run(self, "plain", "stats:exit", 1024) != 1 || strstr(text, "larder: process ") != text) fail("the table is not one write");
    if (run(self, "closes", "stats:json", 1024) != 1 || !is_whole()) fail("standard error closed");
    if (run(self, "takes", "stats:json", 1024) != 1 || !is_whole()) fail("the copy closed");
    data_is_the_programs();
    if (run(self, "takes all", "stats:json", 1024) != 0) fail("both closed");
    data_is_the_programs();
    if (run(self, "closes", "stats:json", 500) != 1 || !is_whole()) fail("500 descriptors");
    if (run(self, "closes", "stats:json", 5) != 1 || !is_whole()) fail("5 descriptors");
    return 0;
}
