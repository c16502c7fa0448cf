// The first allocations fail because the process may not have any data. As soon as it may, allocations are served, and nothing was lost meanwhile.
#include <sys/resource.h>
#include "churn.h"
#include "status.h"

enum { TIMES = 200, MOST_LOST = 16 };

int main(void) {
    struct rlimit data;
    CHECK(getrlimit(RLIMIT_DATA, &data) == 0);
    CHECK(setrlimit(RLIMIT_DATA, &(struct rlimit){100 << 10, data.rlim_max}) == 0);
    size_t before = status("VmSize:");
    for (int i = 0; i < TIMES; i++) CHECK(malloc(100) == NULL);
    CHECK(status("VmSize:") - before < (size_t)MOST_LOST << 30);
    CHECK(setrlimit(RLIMIT_DATA, &data) == 0);
    must_run_on_library();
    churn(1, (size_t)16 << 20, 3000);
    return 0;
}
