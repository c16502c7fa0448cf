// The classic new-handler: it frees a reserve, and the request that failed succeeds.
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <new>

#include "check.h"

namespace {

constexpr std::size_t size = std::size_t(1) << 30;
void *reserve;
int calls;

void free_the_reserve() {
    calls++;
    CHECK(munmap(reserve, size) == 0);
    std::set_new_handler(nullptr);
}

// The bytes of address space that the process has.
std::size_t address_space() {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return std::size_t(pages) * 4096;
}

template <class Call>
void succeeds_at_the_second_attempt(Call call) {
    reserve = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rlimit before, limit;
    getrlimit(RLIMIT_AS, &before);
    limit = before;
    // Twice, because the allocator may give up addresses when it notices a limit.
    for (int i = 0; i < 2; i++) {
        limit.rlim_cur = address_space() + size / 4;
        setrlimit(RLIMIT_AS, &limit);
    }
    std::set_new_handler(free_the_reserve);
    calls = 0;
    char *p = static_cast<char *>(call());
    setrlimit(RLIMIT_AS, &before);
    CHECK(p && calls == 1);
    p[0] = p[size / 2] = 1;
    ::operator delete(p);
    malloc_trim(0);
}

}  // namespace

int main() {
    succeeds_at_the_second_attempt([] { return ::operator new(size - (64 << 20)); });
    succeeds_at_the_second_attempt([] { return ::operator new(size - (64 << 20), std::nothrow); });
    return finish();
}
