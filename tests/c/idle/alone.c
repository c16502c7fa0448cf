// alone [HELPER]: a program of one thread gets no helper thread unless asked for; what it keeps warm is little all the same.
#include "idle/idle.h"

int main(int argc, char **argv) {
    (void)argv;
    long before = resident_kib();
    swell(NULL);
    CHECK(has_helper() == (argc > 1));
    CHECK(shrinks_to(before + (argc > 1 ? 16 : 80) * 1024));
    return 0;
}
