// A program with its own malloc family but without its own operators: by default the operators call its malloc.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "check.h"

namespace {

using std::align_val_t;
using std::nothrow;

alignas(4096) char pool[1 << 24];
std::size_t used, frees;

bool is_own(void *p) { return p >= pool && p < pool + sizeof pool; }
std::size_t &size_of(void *p) { return static_cast<std::size_t *>(p)[-1]; }

}  // namespace

extern "C" {

void *aligned_alloc(std::size_t align, std::size_t n) {
    std::size_t at = __atomic_fetch_add(&used, n + align + 16, __ATOMIC_RELAXED);
    if (n > sizeof pool || at > sizeof pool - n - align - 16) return errno = ENOMEM, nullptr;
    auto p = reinterpret_cast<void *>((reinterpret_cast<std::size_t>(pool + at) + 16 + align - 1) & -align);
    size_of(p) = n;
    return p;
}

void *malloc(std::size_t n) { return aligned_alloc(16, n); }
void *calloc(std::size_t count, std::size_t n) { return malloc(count * n); }

void free(void *p) {
    if (p && !is_own(p)) std::abort();
    if (p) __atomic_add_fetch(&frees, 1, __ATOMIC_RELAXED);
}

void *realloc(void *p, std::size_t n) {
    void *q = malloc(n);
    return p ? std::memcpy(q, p, std::min(n, size_of(p))) : q;
}

}  // extern "C"

static void pair(void *p, std::size_t align, void (*take)(void *)) {
    CHECK(is_own(p) && is_aligned(p, align) && size_of(p) >= 100);
    std::size_t before = frees;
    take(p);
    CHECK(frees == before + 1);
}

int main() {
    const auto a = align_val_t(64);
    pair(::operator new(100), 16, [](void *p) { ::operator delete(p); });
    pair(::operator new(100), 16, [](void *p) { ::operator delete(p, 100); });
    pair(::operator new(100, nothrow), 16, [](void *p) { ::operator delete(p, nothrow); });
    pair(::operator new[](100), 16, [](void *p) { ::operator delete[](p); });
    pair(::operator new[](100), 16, [](void *p) { ::operator delete[](p, 100); });
    pair(::operator new[](100, nothrow), 16, [](void *p) { ::operator delete[](p, nothrow); });
    pair(::operator new(100, a), 64, [](void *p) { ::operator delete(p, align_val_t(64)); });
    pair(::operator new(100, a), 64, [](void *p) { ::operator delete(p, 100, align_val_t(64)); });
    pair(::operator new[](100, a, nothrow), 64, [](void *p) { ::operator delete[](p, align_val_t(64), nothrow); });
    CHECK(is_own(::operator new(0)));
    try {
        ::operator new(std::size_t(1) << 40);
        CHECK(!"thrown");
    } catch (const std::bad_alloc &) {
    }
    CHECK(::operator new(std::size_t(1) << 40, nothrow) == nullptr);
    return finish();
}
