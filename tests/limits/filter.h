// seccomp filters by system call number, in the form that the kernel needs.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { MOST = 40 };

struct filter {
    struct sock_filter code[2 * MOST + 2];
    unsigned short length;
};

static inline void step(struct filter *filter, struct sock_filter instruction) { filter->code[filter->length++] = instruction; }

static inline void begin(struct filter *filter) {
    filter->length = 0;
    step(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
}

// Adds the answer to one system call.
static inline void answer(struct filter *filter, long call, unsigned verdict) {
    step(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1));
    step(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

// Adds the answer to all other system calls and installs the filter, which also applies to programs that this process executes.
static inline int install(struct filter *filter, unsigned otherwise) {
    step(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise));
    struct sock_fprog program = {filter->length, filter->code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -1;
}
