// leave STATUS: ends the machine through the port of qemu's isa-debug-exit; qemu's own exit status is then 2 * STATUS + 1.
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv) {
    if (argc != 2 || ioperm(0xf4, 4, 1) != 0) return 2;
    outl((unsigned)atoi(argv[1]), 0xf4);
    return 2;
}
