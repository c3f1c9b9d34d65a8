// Results of all kinds, each with 7 in it: in registers, in memory, by address.
#define NOINLINE __attribute__((noinline, used))

typedef int four __attribute__((vector_size(16)));
typedef int two __attribute__((vector_size(8)));

struct Plain {
    int a, b, c;
};
struct Defaulted {
    int a, b;
    Defaulted() = default;
    Defaulted(const Defaulted &) = default;
    ~Defaulted() = default;
};
struct Movable {
    int a;
    Movable() = default;
    Movable(const Movable &) = delete;
    Movable(Movable &&) = default;
};
struct Destroyed {
    int a;
    ~Destroyed() {
        asm volatile("");
    }
};
struct Copied {
    int a;
    Copied() = default;
    Copied(const Copied &other) : a(other.a) {
    }
};
template <typename T> struct Owner {
    T a;
    Owner() = default;
    Owner(const Owner &) = delete;
    Owner(Owner &&other) : a(other.a) {
    }
};
struct Virtual {
    int a;
    virtual int get() {
        return a;
    }
};
struct Based : Destroyed {
    int b;
};
struct Holder {
    Copied held[2];
};
struct __attribute__((packed)) Packed {
    char c;
    int a;
};
struct Aligned {
    char c;
    short a;
    int b;
};
struct Vector {
    four a;
};
struct Mixed {
    two a;
    long b;
};

template <typename T> NOINLINE T with_a(int n) {
    T made = T();
    made.a = n;
    asm volatile("");
    return made;
}
NOINLINE four vector(int n) {
    four made = {n, 2, 3, 4};
    asm volatile("");
    return made;
}
NOINLINE Vector held_vector(int n) {
    return Vector{vector(n)};
}
NOINLINE Mixed mixed(int n) {
    asm volatile("");
    return Mixed{{n, 2}, n};
}
NOINLINE Based based(int n) {
    Based made;
    made.a = n;
    asm volatile("");
    return made;
}
NOINLINE Holder holder(int n) {
    Holder made;
    made.held[0].a = n;
    asm volatile("");
    return made;
}

int main() {
    int sum = with_a<Plain>(7).a + with_a<Defaulted>(7).a + with_a<Movable>(7).a;
    sum += with_a<Destroyed>(7).a + with_a<Copied>(7).a + with_a<Owner<long>>(7).a;
    sum += with_a<Virtual>(7).get() + with_a<Packed>(7).a + with_a<Aligned>(7).a;
    sum += vector(7)[0] + held_vector(7).a[0] + mixed(7).a[0] + mixed(7).b;
    sum += based(7).a + holder(7).held[0].a;
    return sum == 15 * 7 ? 0 : 1;
}
