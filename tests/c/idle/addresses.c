// addresses: the addresses of tables from calloc are kept for the next table while the program works, and released after it has been idle for a while.
#include "idle/idle.h"

enum { TABLES = 4, MIB = 1 << 20 };

static long mapped_mib(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / MIB;
}

static void *make_tables(void *unused) {
    void *tables[TABLES];
    for (int i = 0; i < TABLES; i++) CHECK(tables[i] = calloc(50, MIB));
    for (int i = 0; i < TABLES; i++) free(tables[i]);
    return unused;
}

int main(void) {
    pthread_t thread;
    swell_in_a_thread();
    CHECK(gets_helper());
    long before = mapped_mib();
    CHECK(!pthread_create(&thread, NULL, make_tables, NULL) && !pthread_join(thread, NULL));
    CHECK(mapped_mib() >= before + 150);
    // This wakes the helper thread.
    swell_in_a_thread();
    for (int waited = 0; waited < IDLE_MS && mapped_mib() >= before + 150; waited += LOOK_MS) usleep(LOOK_MS * 1000);
    CHECK(mapped_mib() < before + 50);
    return 0;
}
