// Starts the command of its arguments with no environment at all (execve's envp is NULL).
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    execve(argv[1], argv + 1, NULL);
    return 3;
}
