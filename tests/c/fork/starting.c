// starting LIB.so: loads the library beside libc's malloc. A thread makes its first allocation and is stopped at each system call of that; each time the
// main thread forks. The children have no such thread: they must start the library anew.
#include <dlfcn.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "../../limits/filter.h"
#include "fork.h"

enum { FEWEST_CALLS = 10, OBJECTS = 2000, THREADS = 3 };

static void *(*allocate)(size_t);
static void (*release)(void *);
static int listener, is_over[2];

static void *use(void *seed) {
    static const size_t sizes[] = {1, 24, 500, 5000, 40000, 300000, 5000000};
    static __thread char *objects[OBJECTS];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *object = allocate(sizes[i]);
        CHECK(object);
        fill(object, sizes[i], i);
        CHECK(intact(object, sizes[i], i));
        release(object);
    }
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(objects[i] = allocate(100));
        fill(objects[i], 100, (uintptr_t)seed + i);
    }
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(intact(objects[i], 100, (uintptr_t)seed + i));
        release(objects[i]);
    }
    return NULL;
}

static void be_a_child(void) {
    pthread_t threads[THREADS];
    alarm(20);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, use, (void *)(uintptr_t)i));
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(threads[i], NULL));
    use(NULL);
    _exit(0);
}

// Returns a descriptor that tells of the calling thread's system calls, except write, by which it says that it is done; -1 if there is none.
static int tell_of_calls(void) {
    struct filter filter;
    begin(&filter);
    answer(&filter, SYS_write, SECCOMP_RET_ALLOW);
    answer(&filter, SYS_futex, SECCOMP_RET_ALLOW);
    step(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    struct sock_fprog program = {filter.length, filter.code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void *start(void *first) {
    listener = tell_of_calls();
    CHECK(write(is_over[1], "", 1) == 1);
    if (listener < 0) return NULL;
    release(allocate(100));
    CHECK(write(is_over[1], first, 1) == 1);
    for (;;) pause();
}

int main(int argc, char **argv) {
    struct seccomp_notif call;
    pthread_t thread;
    char word;
    int calls = 0;
    CHECK(argc == 2);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library);
    CHECK(allocate = (void *(*)(size_t))dlsym(library, "malloc"));
    CHECK(release = (void (*)(void *))dlsym(library, "free"));
    CHECK(pipe(is_over) == 0);
    CHECK(!pthread_create(&thread, NULL, start, ""));
    CHECK(read(is_over[0], &word, 1) == 1);
    if (listener < 0) return 77;
    for (;;) {
        struct pollfd ends[] = {{.fd = listener, .events = POLLIN}, {.fd = is_over[0], .events = POLLIN}};
        CHECK(poll(ends, 2, -1) > 0);
        if (ends[1].revents) break;
        memset(&call, 0, sizeof call);
        CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0);
        pid_t child = fork();
        if (child == 0) be_a_child();
        join_child(child);
        struct seccomp_notif_resp go_on = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on) == 0);
        calls++;
    }
    CHECK(calls >= FEWEST_CALLS);
    return 0;
}
