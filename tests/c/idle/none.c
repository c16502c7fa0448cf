// none [REFUSED]: there is no helper thread, because it is switched off or (REFUSED) because the system refuses to create it. The program works all the
// same.
#include "../limits/filter.h"
#include "idle/idle.h"

int main(int argc, char **argv) {
    (void)argv;
    struct filter filter;
    begin(&filter);
    answer(&filter, SYS_clone, SECCOMP_RET_ERRNO | EPERM);
    if (argc > 1 && install(&filter, SECCOMP_RET_ALLOW) != 0) return 0;
    for (int turn = 0; turn < 3; turn++) swell_in_a_thread();
    CHECK(!has_helper());
    return 0;
}
