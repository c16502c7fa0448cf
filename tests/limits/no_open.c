// no_open EPERM|ENOSYS: at the time of the first allocation files can no longer be opened, so nothing can be read from /sys or /proc.
#include "churn.h"
#include "filter.h"

static void refuse_open(int argc, char **argv) {
    struct filter filter;
    begin(&filter);
    unsigned error = argc == 2 && strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
    answer(&filter, SYS_openat, SECCOMP_RET_ERRNO | error);
#ifdef SYS_open
    answer(&filter, SYS_open, SECCOMP_RET_ERRNO | error);
#endif
    if (install(&filter, SECCOMP_RET_ALLOW) != 0) _exit(77);
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **) = refuse_open;

int main(void) {
    must_run_on_library();
    churn(1, (size_t)32 << 20, 3000);
    return 0;
}
