/* Parameters that are given other values before the first instruction of their function has run. */
#include <stdio.h>

volatile int sink;
unsigned char small = 36;

static inline __attribute__((always_inline)) int inside(int n) {
    n = 948;
    sink += n;
    return sink + n;
}

__attribute__((noipa)) int outside(int n) {
    n = 949;
    sink += n;
    return sink + n;
}

int main(void) {
    int sum = outside(37);
    sum += inside(small);
    printf("%d\n", sum);
    return 0;
}
