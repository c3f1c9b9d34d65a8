// Types whose names are hard to tell, and a class that has a virtual base class twice.
struct top {
    int t = 1;
};
struct left : virtual top {
    int l = 2;
};
struct right : virtual top {
    int r = 3;
};
struct bottom : left, right {
    int b = 4;
    int sum() const {
        return t + l + r + b;
    }
};
using function = int (*)(int);
using pair = int[2];

__attribute__((noinline)) int work(int (*&reference)(int), int (***pointers)(int),
                                   int (*const (*const array)[2])(int), const pair *numbers,
                                   int bottom::*member, int (bottom::*method)() const,
                                   bottom &object) {
    return reference(pointers != nullptr) + ((*array)[0] != nullptr) + (*numbers)[1] +
           object.*member + (object.*method)();
}

static int next(int n) {
    return n + 1;
}

int main() {
    function pointer = next;
    const function array[2] = {next, next};
    function *one = &pointer;
    const pair numbers = {5, 6};
    bottom object;
    return work(pointer, &one, &array, &numbers, &bottom::b, &bottom::sum, object) != 23;
}
