/* Names of every kind that C++ functions have: scopes, templates, overloads, operators, lambdas. */
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>
namespace outer {
namespace inner {
struct Base {
    int b;
    Base(int n) : b(n) {
    }
    virtual ~Base() {
        b = 0;
    }
    virtual int area(int k) const;
};
int Base::area(int k) const {
    return b * k;
}
template <class T, int N> struct Stack {
    T items[N];
    int n = 0;
    void push(const T &x) {
        items[n++] = x;
    }
    T pop();
    struct Iter {
        int i;
        int next() {
            return i++;
        }
    };
};
template <class T, int N> T Stack<T, N>::pop() {
    return items[--n];
}
struct Derived : Base {
    Derived(int n) : Base(n) {
    }
    int area(int k) const override {
        return b + k;
    }
    Derived operator+(const Derived &o) const {
        return Derived(b + o.b);
    }
    explicit operator bool() const {
        return b;
    }
    static int made(int q) {
        return q + 1;
    }
    int over(int) {
        return 1;
    }
    int over(double) {
        return 2;
    }
    int over(const std::string &s) {
        return s.size();
    }
};
} // namespace inner
int over(int a) {
    return a;
}
int over(long a) {
    return a + 1;
}
inline namespace v1 {
int versioned(int z) {
    return z * 3;
}
} // namespace v1
} // namespace outer
namespace {
int anon(int w) {
    return w + 5;
}
} // namespace
template <typename F> int apply(F f, int v) {
    return f(v);
}
struct Plain {
    int method(int a);
};
int Plain::method(int a) {
    return a * 2;
}
extern "C" int c_like(int c) {
    return c;
}
static int method(int a) {
    return a - 1;
}
int main(int argc, char **argv) {
    using namespace outer::inner;
    Derived d(argc), e(2);
    Base *p = &d;
    Stack<int, 4> s;
    s.push(argc);
    s.push(3);
    Stack<std::string, 2> t;
    t.push("x");
    Stack<int, 4>::Iter it{argc};
    auto lam = [&](int u) { return u + d.b; };
    std::function<int(int)> fn = [argc](int u) { return u * argc; };
    std::vector<int> v{3, 1, argc};
    std::sort(v.begin(), v.end(), [](int a, int b) { return a > b; });
    Plain q;
    int sum = p->area(4) + s.pop() + (d + e).b + Derived::made(3) + d.over(1) + d.over(1.0) +
              d.over("abc") + outer::over(1) + outer::over(2L) + anon(argc) + apply(lam, 4) +
              fn(5) + q.method(1) + method(2) + c_like(3) + bool(d) + t.pop().size() + it.next() +
              outer::versioned(2) + v[0];
    return sum == 59 ? 0 : 1;
}
