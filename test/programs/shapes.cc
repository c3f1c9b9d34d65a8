// Prints areas of shapes: namespaces, classes, inlined functions, nested scopes, globals.
#include <cstdio>

namespace shapes {

struct Point {
    int x, y;
    int sum() const {
        return x + y;
    }
    static int made;
};
int Point::made = 3;

namespace {
int hidden = 1;
}

static inline int twice(int value) {
    int doubled = value * 2;
    return doubled;
}

__attribute__((noinline, used)) int area(const Point *point, int scale) {
    int total = twice(point->sum());
    Point::made++;
    {
        int inner = total * scale + hidden;
        std::printf("%d\n", inner);
        return twice(inner);
    }
}

} // namespace shapes

int main(int argc, char **) {
    shapes::Point point{argc, 2};
    return shapes::area(&point, argc) == 0;
}
