// When there is no memory, the throwing forms throw std::bad_alloc through the callers' frames, and the nothrow forms return null.
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using std::align_val_t;
using std::nothrow;

// These are not constants, because the compiler would reject them.
volatile std::size_t endless = SIZE_MAX / 2 - 100, large = std::size_t(1) << 60;

int unwound;
struct Guard {
    ~Guard() { unwound++; }
};

template <class Call>
bool throws(Call call) {
    try {
        Guard guard;
        std::string kept = "a string too long for the small string optimisation";
        call();
        return false;
    } catch (const std::bad_alloc &e) {
        return std::string(e.what()) == "std::bad_alloc";
    }
}

void each_form(std::size_t n) {
    unwound = 0;
    CHECK(throws([=] { return ::operator new(n); }));
    CHECK(throws([=] { return ::operator new[](n); }));
    CHECK(throws([=] { return ::operator new(n, align_val_t(64)); }));
    CHECK(throws([=] { return ::operator new[](n, align_val_t(1 << 21)); }));
    CHECK(throws([=] { return new char[n]; }));
    CHECK(unwound == 5);
    CHECK(::operator new(n, nothrow) == nullptr);
    CHECK(::operator new[](n, nothrow) == nullptr);
    CHECK(::operator new(n, align_val_t(64), nothrow) == nullptr);
    CHECK(::operator new[](n, align_val_t(1 << 21), nothrow) == nullptr);
    CHECK(new (nothrow) char[n] == nullptr);
}

void deep(int depth) {
    Guard guard;
    if (depth == 0) {
        ::operator delete(::operator new(large));
    } else {
        deep(depth - 1);
    }
    unwound += 1000000;  // never reached
}

void through_many_frames() {
    unwound = 0;
    CHECK(throws([] {
        deep(200);
        return nullptr;
    }));
    CHECK(unwound == 202);
}

// A constructor that throws: the compiler calls the operator delete that belongs to the form of new.
struct Thrower {
    Thrower() { throw std::runtime_error("constructor"); }
    char bytes[200];
};
struct alignas(256) AlignedThrower : Thrower {};

template <class Call>
void constructor_throws(Call call) {
    try {
        call();
        CHECK(!"thrown");
    } catch (const std::runtime_error &) {
    }
}

void containers() {
    std::vector<int> v(100, 7);
    CHECK(throws([&] {
        v.reserve(v.max_size());
        return nullptr;
    }));
    CHECK(v.size() == 100 && v[99] == 7);
}

}  // namespace

int main() {
    each_form(endless);
    each_form(large);
    through_many_frames();
    constructor_throws([] { return new Thrower; });
    constructor_throws([] { return new (nothrow) Thrower; });
    constructor_throws([] { return new Thrower[5]; });
    constructor_throws([] { return new AlignedThrower; });
    constructor_throws([] { return new (nothrow) AlignedThrower; });
    containers();
    for (int i = 0; i < 8; i++) std::thread([] { each_form(large); }).join();
    return finish();
}
