// watched full|busy FILE: the program has freed 100 MiB and would keep them for a minute. Then another process in its memory group takes nearly all
// memory that is left (full), or writes a FILE larger than the group, so that the kernel must reclaim again and again (busy): the free memory goes
// back although the program makes no call, and none of its descriptors is touched.
// watched sparse FILE: as busy, but of many objects a few are left, one in nearly every slab: the free memory between them goes back, too.
// watched lifted FILE: the program lifts its group's bound, which is in FILE, and gives the helper thread time to notice that.
// watched broken: the helper thread finds an object that was written to after it was freed; its message reaches standard error.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "../c/idle/idle.h"

enum { GROUP_MIB = 256, FREED_MIB = 100, FILE_MIB = 400, MIB = 1 << 20 };

// Fills memory, then waits to be killed.
static void take_memory(size_t mib) {
    char *pages = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    memset(pages, 1, mib * MIB);
    for (;;) pause();
}

// Writes a file that is larger than the group, again and again.
static void write_files(const char *path) {
    static char page[MIB];
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(file >= 0);
        for (int i = 0; i < FILE_MIB; i++) CHECK(write(file, page, sizeof page) == sizeof page);
        close(file);
    }
}

static void *leave_a_few(void *unused) {
    enum { MANY = 30000, LEFT = 16 };
    static void *objects[MANY];
    for (int i = 0; i < MANY; i++) {
        size_t size = 1024 + (i * 37) % 2048;
        CHECK(objects[i] = malloc(size));
        memset(objects[i], 1, size);
    }
    for (int i = 0; i < MANY; i++)
        if (i % LEFT) free(objects[i]);
    return unused;
}

// Waits until the helper thread ends the process.
static void write_after_free(void) {
    enum { FEW = 64 };
    static long *freed[FEW];
    for (int i = 0; i < FEW; i++) CHECK(freed[i] = malloc(32));
    for (int i = 0; i < FEW; i++) free(freed[i]);
    for (int i = 0; i < FEW; i++) freed[i][0] = 0x0123456789abcdef;
    usleep(IDLE_MS * 1000);
}

static void lift(const char *path) {
    int file = open(path, O_WRONLY);
    CHECK(file >= 0 && (write(file, "max", 3) == 3 || write(file, "-1", 2) == 2));
    close(file);
    usleep(30 * LOOK_MS * 1000);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    long before = resident_kib(), most = before + 64 * 1024;
    if (!strcmp(argv[1], "sparse")) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, leave_a_few, NULL) && !pthread_join(thread, NULL));
        most = before + 40 * 1024;
    }
    swell_in_a_thread();
    CHECK(gets_helper());
    if (argc == 2) write_after_free();
    CHECK(argc == 3 && resident_kib() > before + 80 * 1024);
    if (!strcmp(argv[1], "lifted")) {
        lift(argv[2]);
        return 0;
    }
    int descriptors = dup(0);
    pid_t other = fork();
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!strcmp(argv[1], "full")) take_memory(GROUP_MIB - FREED_MIB - 30);
        write_files(argv[2]);
    }
    int shrank = shrinks_to(most);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    CHECK(shrank && has_helper());
    CHECK(dup(0) == descriptors + 1);
    return 0;
}
