// unwiped ERRNO: forks under load where the kernel does not wipe pages at fork: it refuses the advice (before Linux 4.14, gVisor), or says that it
// does and does not (qemu: ERRNO 0).
#include "../../limits/filter.h"
#include "fork.h"

enum { THREADS = 4, CHILDREN = 100 };

static int forget(unsigned errno_of_answer) {
    struct filter filter;
    begin(&filter);
    step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3));
    step(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
    step(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 18 /* MADV_WIPEONFORK */, 0, 1));
    step(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno_of_answer));
    return install(&filter, SECCOMP_RET_ALLOW);
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc == 2) {
        if (forget(atoi(argv[1])) != 0) return 77;
        execl("/proc/self/exe", argv[0], NULL);
        return 2;
    }
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
    return 0;
}
