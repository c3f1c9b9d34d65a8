/* Call chains of C++: templates, virtual functions, closures in the standard library, exceptions.
 */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

volatile long sink;

extern "C" __attribute__((noinline)) void leaf(long n) {
    sink += n;
}

namespace chains {

struct Shape {
    virtual ~Shape() {
        leaf(7);
    }
    virtual long area(long scale) const = 0;
};

template <typename Number> struct Square : Shape {
    explicit Square(Number side) : side_(side) {
    }
    long area(long scale) const override {
        leaf(scale);
        return static_cast<long>(side_ * side_) * scale;
    }
    Number side_;
};

__attribute__((noinline)) long thrower(long n) {
    std::string text(static_cast<size_t>(n), 'x');
    leaf(n);
    if (n > 3)
        throw std::runtime_error(text);
    return n;
}

__attribute__((noinline)) long catcher(long n) {
    try {
        return thrower(n) + thrower(n + 1);
    } catch (const std::exception &error) {
        leaf(static_cast<long>(error.what()[0]));
        return 0;
    }
}

} // namespace chains

int main() {
    std::vector<int> numbers = {3, 1, 2, 5, 4};
    std::sort(numbers.begin(), numbers.end(), [](int a, int b) {
        leaf(a);
        return a < b;
    });
    std::function<long(long)> call = [&](long n) { return chains::catcher(n); };
    std::map<std::string, std::unique_ptr<chains::Shape>> shapes;
    shapes["int"] = std::make_unique<chains::Square<int>>(3);
    shapes["double"] = std::make_unique<chains::Square<double>>(1.5);
    for (const auto &[name, shape] : shapes)
        sink += shape->area(2) + call(static_cast<long>(name.size()));
    return 0;
}
