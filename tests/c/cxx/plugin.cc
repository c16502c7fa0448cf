// C++ code that a C program (late.c) loads: the C++ runtime comes with it, invisible to libraries that were loaded before.
#include <cstdint>
#include <new>
#include <string>

extern "C" int plugin_catches(std::size_t size) {
    try {
        ::operator delete(::operator new(size));
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}

extern "C" int plugin_gets_null(std::size_t size) { return ::operator new(size, std::nothrow) == nullptr; }

static int calls;

extern "C" int plugin_has_its_handler_called(std::size_t size) {
    std::set_new_handler([] {
        if (++calls == 3) std::set_new_handler(nullptr);
    });
    return plugin_catches(size) && calls == 3;
}

extern "C" std::size_t plugin_works() { return std::string(1000, 'x').size(); }
