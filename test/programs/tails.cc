/*
 * Virtual functions, called at one place, that end by jumps to a function that throws one time in
 * three: tails ROUNDS. Prints how often each returned, and the sum of its results.
 */
#include <cstdio>
#include <cstdlib>

#ifdef __clang__
#define OWN __attribute__((noinline))
#else
#define OWN __attribute__((noipa))
#endif

OWN long thrower(long x) {
    if (x % 3 == 0)
        throw x;
    return x * 2;
}

OWN long between(long x) {
    return thrower(x + 1);
}

struct Base {
    virtual ~Base() = default;
    virtual long go(long x) = 0;
};

struct Far final : Base {
    OWN long go(long x) override {
        return between(x ^ 1);
    }
};

struct Near final : Base {
    OWN long go(long x) override {
        return thrower(x);
    }
};

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 1;
    Base *objects[2] = {new Far, new Near};
    long counts[2] = {0, 0}, sums[2] = {0, 0};
    for (long i = 0; i < rounds; i++) {
        int which = i * 7 % 5 & 1;
        try {
            sums[which] += objects[which]->go(i);
            counts[which]++;
        } catch (long) {
        }
    }
    printf("Far::go %ld %ld\nNear::go %ld %ld\n", counts[0], sums[0], counts[1], sums[1]);
}
