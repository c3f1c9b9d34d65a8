/* Pointers to variables that live in registers: optimized out, what they point to is known. */
#include <stdio.h>

struct pair {
    int first;
    long second[2];
};

volatile long sink;

static inline __attribute__((always_inline)) long use(const struct pair *pair, int *number,
                                                      const char *text) {
    sink += pair->first;
    sink += pair->second[1] + *number;
    *number += 1;
    sink += text[1];
    return sink;
}

__attribute__((noinline)) long work(int n) {
    struct pair local = {n, {n + 1, n + 2}};
    int number = n * 3;
    long sum = use(&local, &number, "text");
    sink += number;
    return sum + local.second[0];
}

int main(int argc, char **argv) {
    printf("%d\n", work(argc + 4) != 0);
    return argv == NULL;
}
