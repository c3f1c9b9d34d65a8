/* Functions of every kind for probes: inlined, static, recursive, with labels and loops. */
#include <stdio.h>
#include <stdlib.h>

static int counter;

static inline __attribute__((always_inline)) int twice(int n) {
    int doubled = n * 2;
    return doubled;
}

__attribute__((noinline)) static int leaf(int a, const char *text) {
    counter += a;
    if (text)
        counter += text[0];
    return counter;
}

__attribute__((noinline)) int middle(int a, const char *text) {
    int local = a + 1;
    int result = leaf(local, text);
    result += twice(result);
again:
    if (result & 1) {
        result++;
        goto again;
    }
    return result;
}

__attribute__((noinline)) int other(int a) {
    return leaf(a, NULL) + 1;
}

__attribute__((noinline)) static long factorial(long n) {
    return n <= 1 ? 1 : n * factorial(n - 1) % 1000003;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    long sum = 0;
    for (int i = 0; i < rounds; i++) {
        sum += middle(i, argv[0]);
        if (i % 2)
            sum += other(i);
    }
    sum += factorial(5) + twice((int)sum);
    printf("%d\n", sum != 0);
    return 0;
}

/* Another name of a function, which is no name of the source. */
int main_other(int a) __attribute__((alias("other")));
