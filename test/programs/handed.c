/* What is in registers, constant, or only known to callers. */
#include <stdio.h>

#define NOINLINE __attribute__((noinline))

struct label {
    int number;
    char text[10];
};

volatile long sink;

/* The text lies in two registers, and is handed back in them. */
NOINLINE struct label next(struct label given) {
    sink += given.text[0];
    given.number++;
    given.text[given.number - 1]++;
    return given;
}

/* A copy that is only a constant in debug information. */
NOINLINE long constant(long n) {
    char text[] = "con\"stant";
    sink += n;
    return text[n & 7] + sink;
}

/* Nothing of the second and third argument is handed over. */
static NOINLINE long unused(long n, double ratio, long more) {
    sink += n;
    return n + 1;
}

int main(int argc, char **argv) {
    struct label label = {argc, "a\tlabel"};
    for (int i = 0; i < 2; i++)
        label = next(label);
    long n = constant(argc) & 3;
    long first = unused(n, 2.5, n * 5 + 3);
    n += unused(first, -0.125, first * 7 + 1);
    printf("%s %d\n", label.text, n > 0);
    return 0;
}
