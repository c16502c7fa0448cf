// A thread that is bound to one CPU leaves much memory free. The helper thread that it starts may run on all CPUs of the main thread, not only on that one.
#include "idle/idle.h"
#include <sched.h>

static void *swell_on_last_cpu(void *unused) {
    cpu_set_t set;
    CHECK(!sched_getaffinity(0, sizeof set, &set));
    for (int cpu = 0; CPU_COUNT(&set) > 1; cpu++) CPU_CLR(cpu, &set);
    CHECK(!sched_setaffinity(0, sizeof set, &set));
    return swell(unused);
}

// Reads the line of the main thread's status that begins with `field`.
static void main_says(const char *field, char *line, int size) {
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file);
    while (fgets(line, size, file) && strncmp(line, field, strlen(field))) continue;
    fclose(file);
}

int main(void) {
    static const char field[] = "Cpus_allowed_list:";
    long before = resident_kib();
    char line[256];
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, swell_on_last_cpu, NULL));
    CHECK(!pthread_join(thread, NULL));
    CHECK(gets_helper());
    CHECK(shrinks_to(before + 16 * 1024));
    main_says(field, line, sizeof line);
    helper_says(field, line + strlen(field) + 1);
    return 0;
}
