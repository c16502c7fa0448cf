// The standard library on top of operator new: containers, aligned types, sized deletes through a base class, threads.
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "check.h"

namespace {

struct alignas(128) Wide {
    long value[20];
};

struct Base {
    virtual ~Base() = default;
    long a = 1;
};
struct Derived : Base {
    long b[30] = {};
};

void maps() {
    std::map<int, std::string> tree;
    std::unordered_map<std::string, std::vector<int>> table;
    for (int i = 0; i < 5000; i++) {
        tree[i * 7919 % 5003] = std::string(i % 90, 'x');
        table[std::to_string(i)].assign(i % 40, i);
    }
    for (int i = 0; i < 5000; i++) {
        CHECK(tree[i * 7919 % 5003].size() == std::size_t(i % 90));
        CHECK(table[std::to_string(i)] == std::vector<int>(i % 40, i));
        if (i % 2) tree.erase(i * 7919 % 5003);
    }
}

void aligned_types() {
    std::vector<Wide> wide(300);
    for (auto &each : wide) CHECK(is_aligned(&each, 128));
    wide.resize(3000);
    for (int i = 0; i < 200; i++) CHECK(is_aligned(std::make_unique<Wide>().get(), 128));
    CHECK(is_aligned(std::make_shared<Wide>().get(), 128));
    std::pmr::memory_resource *resource = std::pmr::new_delete_resource();
    for (std::size_t align = 1; align <= 4096; align *= 2) {
        void *p = resource->allocate(100, align);
        CHECK(is_aligned(p, align));
        resource->deallocate(p, 100, align);
    }
}

void through_a_base() {
    std::vector<std::unique_ptr<Base>> objects;
    for (int i = 0; i < 1000; i++) objects.emplace_back(i % 2 ? new Base : new Derived);
}

void list_from_another_thread() {
    std::list<std::string> list;
    std::thread([&] {
        for (int i = 0; i < 3000; i++) list.push_back(std::string(i % 300, 'y'));
    }).join();
    std::size_t length = 0;
    for (auto &each : list) length += each.size();
    CHECK(length == 10 * 299 * 300 / 2);
}

}  // namespace

int main() {
    for (int i = 0; i < 5; i++) {
        maps();
        aligned_types();
        through_a_base();
        list_from_another_thread();
    }
    return finish();
}
