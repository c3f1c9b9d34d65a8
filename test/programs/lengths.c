/* Calls f(0) … f(N-1) in order, the last argument of each call being a string: lengths [N]. */
#include <stdio.h>
#include <stdlib.h>

static volatile unsigned long sink;

__attribute__((noinline)) unsigned long f(unsigned long n, const char *name) {
    if (n == 3)
        return (unsigned long)name[0];
    for (unsigned long i = 0; i < n; i++)
        sink += i ^ (unsigned long)name[i % 2];
    if (sink == 12345678)
        return 7;
    return sink;
}

__attribute__((noinline)) unsigned long g(unsigned long n) {
    return n > 4 ? f(n - 1, "odd") : n;
}

int main(int argc, char **argv) {
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100;
    for (unsigned long i = 0; i < count; i++)
        sink += f(i, i % 2 ? "odd" : "even");
    sink += g(count);
    puts("done");
    return 0;
}
