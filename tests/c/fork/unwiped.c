// unwiped ERRNO: forks under load where the kernel does not wipe pages at fork. It refuses the advice with ERRNO (before Linux 4.14, gVisor), or it
// accepts the advice and does nothing (ERRNO 0: qemu before 7.1, which has no vDSO either). With ERRNO 1000 it refuses the advice for a page but not for
// none (older gVisor). The allocator must register handlers. Compiled with ALONE, the program refuses them: there are none, as in a Rust program.
#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "../../limits/filter.h"
#include "../../limits/status.h"
#include "fork.h"

enum { THREADS = 4, CHILDREN = 100 };

typedef void handler(void);

static int registered;

// In libc's place. The allocator's handlers are those of no library.
int __register_atfork(handler *before, handler *in_parent, handler *in_child, void *library) {
    registered += library == NULL;
#ifdef ALONE
    if (library == NULL) return ENOMEM;
#endif
    int (*libc)(handler *, handler *, handler *, void *) = dlsym(RTLD_NEXT, "__register_atfork");
    return libc(before, in_parent, in_child, library);
}

static int forget(unsigned errno_of_answer) {
    struct filter filter;
    begin(&filter);
    if (errno_of_answer == 1000) {
        errno_of_answer = EINVAL;
        step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 5));
        step(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
        step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0));
    } else {
        step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3));
    }
    step(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
    step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 18 /* MADV_WIPEONFORK */, 0, 1));
    step(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno_of_answer));
    return install(&filter, SECCOMP_RET_ALLOW);
}

// Takes the vDSO away from the stopped program, which has not run yet, and the word by which it knows of rseq's features, as in qemu: clears their entries
// in the auxiliary vector, behind arguments and environment. Returns whether there was a vDSO.
static int hide_kernel(pid_t child) {
    enum { RSEQ_FEATURE_SIZE = 27 };
    int had_vdso = 0;
    struct user_regs_struct registers;
    CHECK(ptrace(PTRACE_GETREGS, child, NULL, &registers) == 0);
    uint64_t *at = (uint64_t *)registers.rsp;
    for (int nulls = 0; nulls < 2; at++) nulls += at != (uint64_t *)registers.rsp && ptrace(PTRACE_PEEKDATA, child, at, NULL) == 0;
    for (long kind; (kind = ptrace(PTRACE_PEEKDATA, child, at, NULL)) != AT_NULL; at += 2) {
        if (kind != AT_SYSINFO_EHDR && kind != RSEQ_FEATURE_SIZE) continue;
        CHECK(ptrace(PTRACE_POKEDATA, child, at, AT_IGNORE) == 0);
        had_vdso |= kind == AT_SYSINFO_EHDR;
    }
    return had_vdso;
}

static int end_of(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSTOPPED(status)) {
        CHECK(hide_kernel(child) && ptrace(PTRACE_DETACH, child, NULL, NULL) == 0);
        CHECK(waitpid(child, &status, 0) == child);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc == 2) {
        unsigned errno_of_answer = atoi(argv[1]);
        pid_t child = fork();
        if (child > 0) return end_of(child);
        if (errno_of_answer == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) return 77;
        if (forget(errno_of_answer) != 0) return 77;
        execl("/proc/self/exe", argv[0], NULL);
        return 2;
    }
    CHECK(registered == (dlsym(RTLD_DEFAULT, "larder_mode") != NULL));
    start_load(threads, THREADS);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            use_heap(i);
            _exit(0);
        }
        join_child(child);
    }
    end_load(threads, THREADS);
    // In qemu each reserved page costs memory.
    CHECK(getauxval(AT_SYSINFO_EHDR) != 0 || status("VmSize:") < (20ul << 30));
    return 0;
}
