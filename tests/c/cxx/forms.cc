// Each of the eight forms of operator new with each operator delete that may follow it.
#include <new>

#include "check.h"

namespace {

using std::align_val_t;
using std::nothrow;

constexpr std::size_t sizes[] = {0, 1, 8, 24, 100, 1000, 5000, 40000, 300000, 5000000};

void *object(void *p, std::size_t size, std::size_t align = 16) {
    CHECK(p && is_aligned(p, align));
    fill(p, size, 3);
    CHECK(filled(p, size, 3));
    return p;
}

void unaligned(std::size_t n) {
    ::operator delete(object(::operator new(n), n));
    ::operator delete(object(::operator new(n), n), n);
    ::operator delete(object(::operator new(n), n), nothrow);
    ::operator delete(object(::operator new(n, nothrow), n));
    ::operator delete(object(::operator new(n, nothrow), n), n);
    ::operator delete[](object(::operator new[](n), n));
    ::operator delete[](object(::operator new[](n), n), n);
    ::operator delete[](object(::operator new[](n), n), nothrow);
    ::operator delete[](object(::operator new[](n, nothrow), n));
    ::operator delete[](object(::operator new[](n, nothrow), n), n);
    std::free(object(::operator new(n), n));
    ::operator delete(object(std::malloc(n), n));
}

void aligned(std::size_t n, std::size_t align) {
    auto a = align_val_t(align);
    ::operator delete(object(::operator new(n, a), n, align), a);
    ::operator delete(object(::operator new(n, a), n, align), n, a);
    ::operator delete(object(::operator new(n, a), n, align), a, nothrow);
    ::operator delete(object(::operator new(n, a, nothrow), n, align), a);
    ::operator delete(object(::operator new(n, a, nothrow), n, align), n, a);
    ::operator delete[](object(::operator new[](n, a), n, align), a);
    ::operator delete[](object(::operator new[](n, a), n, align), n, a);
    ::operator delete[](object(::operator new[](n, a), n, align), a, nothrow);
    ::operator delete[](object(::operator new[](n, a, nothrow), n, align), a);
    ::operator delete[](object(::operator new[](n, a, nothrow), n, align), n, a);
}

void null() {
    void *p = nullptr;
    auto a = align_val_t(64);
    KEEPS_ERRNO(::operator delete(p));
    KEEPS_ERRNO(::operator delete(p, 100));
    KEEPS_ERRNO(::operator delete(p, nothrow));
    KEEPS_ERRNO(::operator delete(p, a));
    KEEPS_ERRNO(::operator delete(p, 100, a));
    KEEPS_ERRNO(::operator delete(p, a, nothrow));
    KEEPS_ERRNO(::operator delete[](p));
    KEEPS_ERRNO(::operator delete[](p, 100));
    KEEPS_ERRNO(::operator delete[](p, nothrow));
    KEEPS_ERRNO(::operator delete[](p, a));
    KEEPS_ERRNO(::operator delete[](p, 100, a));
    KEEPS_ERRNO(::operator delete[](p, a, nothrow));
}

}  // namespace

int main() {
    for (auto size : sizes) {
        for (int i = 0; i < 50; i++) unaligned(size);
        for (std::size_t align = 1; align <= 1 << 20; align *= 2) aligned(size, align);
    }
    null();
    CHECK(::operator new(0) != ::operator new(0));
    return finish();
}
