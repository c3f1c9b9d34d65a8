/*
 * Parameters that are gone when `after` is called: only the callers know what they were. `work` is
 * called with 12 and 33, 42 and 43; then by `pass` from two calls deep, in a tail call, and through
 * a pointer.
 */
#include <stdio.h>

volatile int sink;

__attribute__((noinline)) void after(void) {
    sink++;
}

__attribute__((noinline)) int work(int a, const char *text, long b) {
    sink += a + (int)b + text[0];
    after();
    sink++;
    return sink;
}

__attribute__((noinline)) int pass(int n, const char *text) {
    int sum = work(n + 1, text, n * 3L);
    after();
    sum += work(42, "constant", 43);
    return sum + sink;
}

__attribute__((noinline)) int tail(int n) {
    sink += n;
    return work(n, "tail", 1);
}

__attribute__((noinline)) int again(int n) {
    after();
    sink += n;
    return n > 3 ? 0 : again(sink);
}

int (*volatile pointer)(int, const char *, long) = work;

int main(int argc, char **argv) {
    int sum = pass(argc + 10, "text");
    sum += tail(5);
    sum += pointer(6, "pointer", 2);
    sum += again(1);
    printf("%d\n", sum != 0);
    return argv == NULL;
}
