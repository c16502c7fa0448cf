// handed: a thread of the last node allocates large objects, which a thread of the first node fills. The small objects of the allocating thread must
// still come from its own node, because that node is not full.
#include <larder.h>
#include <pthread.h>
#include <semaphore.h>
#include "pages.h"

enum { TURNS = 200, LARGE = 300000, SMALL = 3000 };

static int cpus[MOST_CPUS], count;
static sem_t ready, done;
static char *passed;

static void *fill_passed(void *unused) {
    run_on(cpus[0]);
    for (int turn = 0; turn < TURNS; turn++) {
        CHECK(sem_wait(&ready) == 0);
        memset(passed, 1, LARGE);
        CHECK(sem_post(&done) == 0);
    }
    return unused;
}

int main(void) {
    int home = 0;
    pthread_t thread;
    count = list_cpus(cpus);
    run_on(cpus[count - 1]);
    int own = own_node();
    CHECK(sem_init(&ready, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, fill_passed, NULL) == 0);
    for (int turn = 0; turn < TURNS; turn++) {
        CHECK((passed = malloc(LARGE)) && sem_post(&ready) == 0 && sem_wait(&done) == 0);
        char *small = malloc(SMALL);
        CHECK(small);
        memset(small, 1, SMALL);
        home += larder_node_of(small) == own;
    }
    CHECK(pthread_join(thread, NULL) == 0);
    printf("%d of %d small objects of the thread's own node\n", home, TURNS);
    return home < TURNS * 9 / 10;
}
