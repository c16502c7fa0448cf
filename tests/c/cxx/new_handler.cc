// The new-handler is called until there is memory or it gives up: by throwing, or by uninstalling itself.
#include <exception>
#include <new>

#include "check.h"

namespace {

using std::align_val_t;
using std::nothrow;

volatile std::size_t large = std::size_t(1) << 60;
int calls;

struct NotBadAlloc {
    int number;
};

void throw_other() {
    calls++;
    throw NotBadAlloc{42};
}

void throw_bad_alloc() {
    calls++;
    throw std::bad_alloc();
}

void uninstall_at_the_fifth() {
    if (++calls == 5) std::set_new_handler(nullptr);
}

template <class Call>
void throwing_forms(Call check) {
    check([] { return ::operator new(large); });
    check([] { return ::operator new[](large); });
    check([] { return ::operator new(large, align_val_t(512)); });
    check([] { return ::operator new[](large, align_val_t(4096)); });
}

template <class Call>
void nothrow_forms(Call check) {
    check([] { return ::operator new(large, nothrow); });
    check([] { return ::operator new[](large, nothrow); });
    check([] { return ::operator new(large, align_val_t(512), nothrow); });
    check([] { return ::operator new[](large, align_val_t(4096), nothrow); });
}

void is_called_until_it_gives_up() {
    auto check = [](auto call) {
        std::set_new_handler(uninstall_at_the_fifth);
        calls = 0;
        try {
            CHECK(call() == nullptr);
        } catch (const std::bad_alloc &) {
            calls += 100;
        }
        CHECK(std::get_new_handler() == nullptr);
        return calls;
    };
    throwing_forms([=](auto call) { CHECK(check(call) == 105); });
    nothrow_forms([=](auto call) { CHECK(check(call) == 5); });
}

void its_exceptions_leave_throwing_forms() {
    std::set_new_handler(throw_other);
    throwing_forms([](auto call) {
        calls = 0;
        try {
            call();
            CHECK(!"thrown");
        } catch (const NotBadAlloc &e) {
            CHECK(e.number == 42 && calls == 1);
        }
    });
}

void its_exceptions_make_nothrow_forms_null() {
    const std::new_handler handlers[] = {throw_other, throw_bad_alloc};
    for (auto handler : handlers) {
        std::set_new_handler(handler);
        nothrow_forms([](auto call) {
            calls = 0;
            CHECK(call() == nullptr);
            CHECK(calls == 1);
        });
    }
    CHECK(!std::uncaught_exceptions());
}

// The new-handler is not called if the alignment is invalid.
void is_not_called_for_a_bad_alignment() {
    const std::size_t bad[] = {0, 12, 48, 4095, ~std::size_t(0)};
    for (auto align : bad) {
        std::set_new_handler(uninstall_at_the_fifth);
        calls = 0;
        try {
            CHECK(!::operator new(100, align_val_t(align)));
        } catch (const std::bad_alloc &) {
            calls += 100;
        }
        try {
            CHECK(!::operator new[](100, align_val_t(align)));
        } catch (const std::bad_alloc &) {
            calls += 100;
        }
        CHECK(::operator new(100, align_val_t(align), nothrow) == nullptr);
        CHECK(::operator new[](100, align_val_t(align), nothrow) == nullptr);
        CHECK(calls == 200);
    }
}

}  // namespace

int main() {
    is_not_called_for_a_bad_alignment();
    is_called_until_it_gives_up();
    its_exceptions_leave_throwing_forms();
    its_exceptions_make_nothrow_forms_null();
    return finish();
}
