/*
 * Virtual functions, two of them called at one place, that end by jumps to a function that throws
 * one time in three: tails ROUNDS. Prints how often each returned, and the sum of its results.
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

static long (*volatile pointer)(long) = thrower;

struct Other final : Base {
    OWN long go(long x) override {
        return pointer(x);
    }
};

static void call(Base *object, long x, long &count, long &sum) {
    try {
        sum += object->go(x);
        count++;
    } catch (long) {
    }
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 1;
    Base *objects[3] = {new Far, new Near, new Other};
    long counts[3] = {0, 0, 0}, sums[3] = {0, 0, 0};
    for (long i = 0; i < rounds; i++) {
        int which = i * 7 % 5 & 1;
        call(objects[which], i, counts[which], sums[which]);
    }
    for (long i = 0; i < rounds; i++)
        call(objects[2], i, counts[2], sums[2]);
    static const char *const names[3] = {"Far", "Near", "Other"};
    for (int i = 0; i < 3; i++)
        printf("%s::go %ld %ld\n", names[i], counts[i], sums[i]);
}
