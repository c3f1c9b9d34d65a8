// Parameters of every class that the ABI knows, in registers and on the stack.
#include <cstdint>
#include <cstdio>

struct pair {
    long first;
    double second;
};
struct small {
    int8_t low;
    int16_t high;
};
struct floats {
    float x, y, z;
};
struct large {
    long words[3];
};
struct owned {
    explicit owned(long value) : value(value) {
    }
    owned(const owned &other) : value(other.value) {
    }
    ~owned() {
    }
    long value;
};

static long sink;

long numbers(char a, unsigned short b, int c, long d, bool e, const char *f, int g, unsigned h) {
    sink += a + b + c + d + e + f[0] + g + h;
    return sink;
}

double mixed(float a, int b, double c, pair d, small e, floats f, long g) {
    sink += b + d.first + e.low + g;
    return a + c + d.second + f.z;
}

large kept(large a, pair b, __int128 c, long d, long e, long f) {
    sink += a.words[1] + b.first + (long)c + d + e + f;
    return a;
}

long objects(owned a, int &b, long double c, owned d, pair e, pair f, pair g) {
    b++;
    return a.value + d.value + (long)c + e.first + f.first + g.first;
}

struct counter {
    long value;
    long add(long by) {
        return value += by;
    }
};

int main() {
    counter all = {5};
    int number = 41;
    for (int i = 0; i < 3; i++) {
        pair two = {i * 7L, 2.5 + i};
        numbers((char)('a' + i), 65000, -i, 1L << 40, i == 1, "text", i + 100, 4000000000u);
        mixed(1.5f, -3 + i, 0.25, two, {(int8_t)-i, 300}, {1, 2, 3}, 77 + i);
        kept({{1, 2, i}}, two, (__int128)i << 64 | 9, 4, 5, 6 + i);
        objects(owned(i), number, 1.0L, owned(i * 2L), two, two, {i, 1});
        all.add(i);
    }
    std::printf("%ld\n", sink + all.value);
}
