// A program that replaces only the basic forms of operator new and delete: all other forms must call them, as the standard says. Objects
// have a header, so that a form which bypasses the basic ones meets a pointer that is not its own.
#include <algorithm>
#include <new>
#include <vector>

#include "check.h"

namespace {

using std::align_val_t;
using std::nothrow;

constexpr std::size_t header = 64;
constexpr std::size_t too_large = 1 << 20;
int live, live_arrays, live_aligned;

void *with_header(void *p) { return p ? static_cast<char *>(p) + header : throw std::bad_alloc(); }
void *without_header(void *p) { return static_cast<char *>(p) - header; }

void *object(void *p, std::size_t size) {
    fill(p, size, 3);
    CHECK(filled(p, size, 3));
    return p;
}

}  // namespace

void *operator new(std::size_t n) {
    if (n >= too_large) throw std::bad_alloc();
    live++;
    return with_header(std::malloc(n + header));
}

void operator delete(void *p) noexcept {
    if (!p) return;
    live--;
    std::free(without_header(p));
}

void *operator new(std::size_t n, align_val_t align) {
    CHECK(static_cast<std::size_t>(align) == header);
    if (n >= too_large) throw std::bad_alloc();
    live_aligned++;
    return with_header(std::aligned_alloc(header, (n + 2 * header - 1) / header * header));
}

void operator delete(void *p, align_val_t align) noexcept {
    CHECK(static_cast<std::size_t>(align) == header);
    if (!p) return;
    live_aligned--;
    std::free(without_header(p));
}

#ifdef ARRAYS
void *operator new[](std::size_t n) {
    live_arrays++;
    return ::operator new(n);
}

void operator delete[](void *p) noexcept {
    live_arrays--;
    ::operator delete(p);
}
#endif

// An object that one form allocates and another frees is counted by the basic form that both call.
template <class New, class Delete>
void pair(std::size_t n, const int &count, New make, Delete take) {
    int before = count;
    void *p = object(make(n), n);
    CHECK(count == before + 1);
    take(p);
    CHECK(count == before);
    CHECK(live + live_arrays + live_aligned == 0);
}

int main() {
    const auto a = align_val_t(header);
    for (std::size_t n = 1; n < 5000; n = n * 3 / 2 + 1) {
        pair(n, live, [](auto n) { return ::operator new(n); }, [&](void *p) { ::operator delete(p, n); });
        pair(n, live, [](auto n) { return ::operator new(n, nothrow); }, [&](void *p) { ::operator delete(p, nothrow); });
        pair(n, live, [](auto n) { return ::operator new[](n); }, [&](void *p) { ::operator delete[](p, n); });
        pair(n, live, [](auto n) { return ::operator new[](n, nothrow); }, [&](void *p) { ::operator delete[](p, nothrow); });
        pair(n, live_aligned, [=](auto n) { return ::operator new(n, a); }, [&](void *p) { ::operator delete(p, n, a); });
        pair(n, live_aligned, [=](auto n) { return ::operator new(n, a, nothrow); }, [&](void *p) { ::operator delete(p, a, nothrow); });
        pair(n, live_aligned, [=](auto n) { return ::operator new[](n, a); }, [&](void *p) { ::operator delete[](p, n, a); });
        pair(n, live_aligned, [=](auto n) { return ::operator new[](n, a, nothrow); }, [&](void *p) { ::operator delete[](p, a, nothrow); });
#ifdef ARRAYS
        pair(n, live_arrays, [](auto n) { return ::operator new[](n, nothrow); }, [&](void *p) { ::operator delete[](p, n); });
#endif
    }
    // If the program's operators throw, the nothrow forms must return null.
    CHECK(::operator new(too_large, nothrow) == nullptr);
    CHECK(::operator new[](too_large, a, nothrow) == nullptr);
    std::vector<int> numbers(1000);
    for (int i = 0; i < 1000; i++) numbers[i] = i * 7919 % 1000;
    std::stable_sort(numbers.begin(), numbers.end());
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    return finish();
}
