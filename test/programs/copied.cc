// A parameter that is handed over by address and kept in the frame, and functions without any.
struct Copied {
    int n;
    Copied(const Copied &other) : n(other.n + 1) {
    }
    explicit Copied(int n) : n(n) {
    }
    ~Copied() {
        n = 0;
    }
};

volatile int sink;

int taken(Copied copied, int times) {
    for (int i = 0; i < times; i++) {
        if (i & 1) {
            Copied other(copied);
            sink += other.n;
        }
    }
    return copied.n;
}

int counted() {
    int local = sink + 3;
    Copied first(local);
    int sum = taken(first, 2) + local;
    sink += sum;
    return sum;
}

int main() {
    int result = counted();
    return result != 7;
}
