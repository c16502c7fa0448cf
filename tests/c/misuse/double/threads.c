// One thread frees, another frees again.
// expect: larder: double free: $ptr: an object of 64 bytes
#include <pthread.h>
#include "../misuse.h"

static void *release(void *p) {
    free(p);
    return NULL;
}

int main(void) {
    pthread_t thread;
    void *p = malloc(64);
    name("ptr", p);
    if (pthread_create(&thread, NULL, release, p)) return 2;
    pthread_join(thread, NULL);
    free(p);
    return SURVIVED;
}
