// A service confined as in the units of distributions: no privileges, and a filter that kills the process for the calls of systemd's @privileged and
// @resources. Its idle memory goes back all the same.
#include <unistd.h>
#include "../c/idle/idle.h"
#include "filter.h"

enum { NOBODY = 65534 };

int main(void) {
    static const int fatal[] = {
        SYS_capset,        SYS_sched_setscheduler, SYS_sched_setattr, SYS_sched_setparam,   SYS_sched_setaffinity,
        SYS_mbind,         SYS_move_pages,         SYS_migrate_pages, SYS_set_mempolicy,    SYS_set_mempolicy_home_node,
        SYS_setpriority,   SYS_ioprio_set,         SYS_setrlimit,     SYS_bpf,              SYS_chroot,
        SYS_setuid,        SYS_setresuid,          SYS_setgroups,     SYS_setfsuid,         SYS_chown,
    };
    long before = resident_kib();
    if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))) return 77;
    struct filter filter;
    begin(&filter);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) answer(&filter, fatal[i], SECCOMP_RET_KILL_PROCESS);
    if (install(&filter, SECCOMP_RET_ALLOW) != 0) return 77;
    swell_in_a_thread();
    CHECK(gets_helper());
    CHECK(shrinks_to(before + 16 * 1024));
    helper_says("CapEff:", "0000000000000000\n");
    return 0;
}
