// A program that exercises the C++ compilers and can be run: templates, streams, threads, exceptions. Its output is the same in every run.
#include <algorithm>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using Value = std::variant<long, double, std::string, std::vector<std::shared_ptr<struct Tree>>>;

struct Tree {
    std::string name;
    Value value;
};

std::string word(std::mt19937& random) {
    std::string text;
    for (unsigned left = 1 + random() % 24; left > 0; --left) text += static_cast<char>('a' + random() % 26);
    return text;
}

std::shared_ptr<Tree> grow(std::mt19937& random, int depth) {
    auto tree = std::make_shared<Tree>();
    tree->name = word(random);
    switch (depth == 0 ? random() % 3 : 3) {
    case 0: tree->value = static_cast<long>(random()); break;
    case 1: tree->value = static_cast<double>(random() % 1000) / 8; break;
    case 2: tree->value = word(random); break;
    default: {
        std::vector<std::shared_ptr<Tree>> children;
        for (unsigned left = random() % 6; left > 0; --left) children.push_back(grow(random, depth - 1));
        tree->value = std::move(children);
    }
    }
    return tree;
}

void print(std::ostream& out, const Tree& tree) {
    out << tree.name << '=';
    std::visit(
        [&out](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<std::shared_ptr<Tree>>>)
                for (const auto& child : value) print(out << '(', *child), out << ')';
            else
                out << value;
        },
        tree.value);
}

std::size_t run(unsigned seed) {
    std::mt19937 random(seed);
    std::map<std::string, std::shared_ptr<Tree>> sorted;
    std::unordered_map<std::string, int> seen;
    for (int i = 0; i < 200; ++i) {
        auto tree = grow(random, 5);
        ++seen[tree->name.substr(0, 2)];
        sorted.insert_or_assign(tree->name, std::move(tree));
    }
    std::ostringstream text;
    for (const auto& [name, tree] : sorted) print(text, *tree);
    const std::string all = text.str();
    const std::regex pattern("([aeiou])([a-z]?)\\1=");
    const auto found = std::distance(std::sregex_iterator(all.begin(), all.end(), pattern), std::sregex_iterator());
    if (seen.empty()) throw std::logic_error("nothing grew");
    return std::hash<std::string>{}(all) + static_cast<std::size_t>(found) * seen.size();
}

} // namespace

int main() {
    std::vector<std::future<std::size_t>> results;
    for (unsigned seed = 1; seed <= 8; ++seed) results.push_back(std::async(std::launch::async, run, seed));
    for (auto& result : results) std::cout << std::hex << result.get() << '\n';
    try {
        throw std::runtime_error(std::string(1000, 'x'));
    } catch (const std::exception& error) {
        std::cout << std::string(error.what()).size() << '\n';
    }
}
