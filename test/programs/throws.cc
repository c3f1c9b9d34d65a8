/* Templates, virtual functions and exceptions: throws for every third number from 1 to 9. */
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace geo {
template <typename T> struct Box {
    T value;
    __attribute__((noinline)) T twice() const {
        return value + value;
    }
};
struct Base {
    virtual ~Base() = default;
    virtual int run(int n) = 0;
};
struct Derived : Base {
    int factor = 3;
    __attribute__((noinline)) int run(int n) override {
        if (n % 3 == 0)
            throw std::runtime_error("n is " + std::to_string(n));
        return n * factor;
    }
};
} // namespace geo

template <typename F> __attribute__((noinline)) int guarded(F call, int n) {
    try {
        return call(n);
    } catch (const std::exception &) {
        return -1;
    }
}

int main() {
    std::unique_ptr<geo::Base> base = std::make_unique<geo::Derived>();
    int sum = 0;
    for (int i = 1; i < 10; i++)
        sum += guarded([&](int n) { return base->run(n); }, i);
    geo::Box<int> number{sum};
    geo::Box<std::string> text{"ab"};
    printf("%d %s\n", number.twice(), text.twice().c_str());
}
