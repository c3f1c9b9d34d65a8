// Variables of C++: references, base classes, members, namespaces.
#include <cstdio>

#define NOINLINE __attribute__((noinline))

namespace place {
int counter = 5;
struct Inner {
    int depth;
};
} // namespace place

struct Base {
    static int total;
    int base;
    virtual ~Base() {
    }
};
int Base::total = 20;
struct Other {
    static int total;
    long other;
};
int Other::total = 30;
struct Derived : Base, Other {
    int own;
    place::Inner inner;
    int &reference;
    explicit Derived(int &r) : reference(r) {
        base = 1;
        other = 2;
        own = 3;
        inner.depth = 4;
    }
    int method(int n, const Derived &from, bool flag);
};
struct Shared : virtual Base {
    int own;
};

NOINLINE int Derived::method(int n, const Derived &from, bool flag) {
    printf("%d %ld %d %d %d ", base, other, own, inner.depth, reference);
    printf("%d %d %ld %d %d %d\n", n, from.own, from.other, flag, place::counter, Other::total);
    return n;
}

NOINLINE int shared(Shared *pointer) {
    printf("%d %d %d\n", pointer->base, pointer->own, pointer->total);
    return pointer->base;
}

int main() {
    int x = 42;
    Derived one(x), two(x);
    two.own = 10;
    Shared third;
    third.base = 7;
    third.own = 6;
    return one.method(9, two, true) + shared(&third) == 16 ? 0 : 1;
}
